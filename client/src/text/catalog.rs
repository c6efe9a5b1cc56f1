//! All emoji by their names, for whoever looks for one. The list itself is `web/assets/emoji.txt`: 30 KB that most visits never ask for.

/// All emoji, in the order in which Unicode has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog(Vec<Group>);

/// Emoji of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common, in words.
    pub name: String,
    /// The emoji.
    pub emoji: Vec<Named>,
}

/// An emoji and its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The emoji.
    pub emoji: String,
    /// Its name (Unicode, Common Locale Data Repository).
    pub name: String,
    /// The words that it is found by, in small letters.
    words: Vec<String>,
}

impl Catalog {
    /// Reads the list. A group begins with `# ` and its name. An emoji has a line with its name, and after semicolons other words for it.
    #[must_use]
    pub fn read(list: &str) -> Self {
        let mut groups = Vec::<Group>::new();
        for line in list.lines() {
            if let Some(name) = line.strip_prefix("# ") {
                groups.push(Group {
                    name: name.to_owned(),
                    emoji: Vec::new(),
                });
            } else if let (Some(group), Some((emoji, names))) = (groups.last_mut(), line.split_once(' ')) {
                group.emoji.push(Named {
                    emoji: emoji.to_owned(),
                    name: names.split(';').next().unwrap_or_default().to_owned(),
                    words: words_of(names).collect(),
                });
            }
        }
        Self(groups)
    }

    /// All of them.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.0
    }

    /// What an emoji is called.
    #[must_use]
    pub fn name_of(&self, emoji: &str) -> Option<&str> {
        let mut all = self.0.iter().flat_map(|group| &group.emoji);
        Some(&all.find(|named| named.emoji == emoji)?.name)
    }

    /// Those of which each word that is `wanted` begins one of theirs, `most` at most: first the one of that name, then those whose name begins so.
    #[must_use]
    pub fn find(&self, wanted: &str, most: usize) -> Vec<&Named> {
        let wanted: Vec<_> = words_of(wanted).collect();
        let Some(begins) = wanted.first() else {
            return Vec::new();
        };
        let all = self.0.iter().flat_map(|group| &group.emoji);
        let has = |named: &&Named, wanted: &String| named.words.iter().any(|word| word.starts_with(wanted));
        let found = all.filter(|named| wanted.iter().all(|wanted| has(named, wanted)));
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|named| {
            let is_first = named.words.first().is_some_and(|word| word.starts_with(begins));
            (!words_of(&named.name).eq(wanted.iter().cloned()), !is_first)
        });
        found.truncate(most);
        found
    }
}

/// The words of a text, in small letters. The names are English: what other letters look like small is a table of 16 KB.
fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|char: char| char.is_ascii() && !char.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, fs, path::Path};

    use mesh::config::REACTION_BYTES_MAX;

    use super::*;

    /// The newest version of Unicode whose emoji the fonts of all supported systems have.
    const NEWEST: (u32, u32) = (15, 0);

    /// What the list is made of.
    fn made() -> String {
        let mut list = String::new();
        let mut group = None;
        for emoji in emojis::iter() {
            let version = emoji.unicode_version();
            if (version.major(), version.minor()) > NEWEST {
                continue;
            }
            if group.replace(emoji.group()) != Some(emoji.group()) {
                let name = format!("{:?}", emoji.group());
                let mut words = String::new();
                for char in name.chars() {
                    match char {
                        upper if upper.is_uppercase() && !words.is_empty() => {
                            words.push(' ');
                            words.extend(upper.to_lowercase());
                        }
                        other => words.push(other),
                    }
                }
                writeln!(list, "# {words}").unwrap();
            }
            write!(list, "{emoji} {}", emoji.name()).unwrap();
            for code in emoji.shortcodes() {
                let code = code.replace('_', " ");
                if !emoji.name().contains(&code) {
                    write!(list, ";{code}").unwrap();
                }
            }
            list.push('\n');
        }
        list
    }

    #[test]
    fn the_list_has_what_unicode_has() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let (list, made) = (fs::read_to_string(root.join("web/assets/emoji.txt")), made());
        let new = root.join("target/emoji.txt");
        if list.is_ok_and(|list| list == made) {
            return;
        }
        fs::write(&new, made).unwrap();
        panic!("web/assets/emoji.txt is another list: move {} there", new.display());
    }

    #[test]
    fn emoji_are_found_by_the_beginnings_of_their_words() {
        let catalog = Catalog::read(&made());
        let found = |wanted: &str| -> String {
            let found = catalog.find(wanted, 3);
            found.iter().map(|named| named.emoji.as_str()).collect()
        };
        assert_eq!(found("parrot"), "🦜");
        assert_eq!(found("Thumbs UP"), "👍");
        assert_eq!(found("flag germ"), "🇩🇪");
        assert_eq!(found("tada"), "🎉");
        assert!(found("cat").starts_with("🐈"), "its name begins so: {}", found("cat"));
        assert_eq!(catalog.name_of("🦜"), Some("parrot"));
        assert_eq!(catalog.name_of("x"), None);
        assert_eq!(catalog.find("a", 7).len(), 7);
        for nothing in ["", "  ", ":", "xyzzy"] {
            assert!(catalog.find(nothing, 3).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn all_of_them_are_in_a_group_and_have_a_name() {
        let catalog = Catalog::read(&made());
        assert!(catalog.groups().iter().all(|group| !group.name.is_empty()));
        let all = catalog.groups().iter().flat_map(|group| &group.emoji);
        assert!(all.clone().count() > 1_700);
        assert!(
            all.clone()
                .all(|named| !named.name.is_empty() && named.emoji.len() <= REACTION_BYTES_MAX)
        );
    }

    #[test]
    fn any_other_text_is_no_list_and_harms_nothing() {
        for text in [
            "",
            "👍 thumbs up",
            "# \n",
            "# a\n👍",
            "# a\n\n \n👍 ",
            "<!DOCTYPE html>\n<p>",
        ] {
            let catalog = Catalog::read(text);
            assert!(catalog.groups().iter().all(|group| group.emoji.len() <= 2));
        }
    }
}
