//! What is offered while somebody types: names after `@`, emoji after `:`.

use shared::{limits::NAME_CHARS_MAX, name::skeleton};

use super::{emoji::named, inline::is_letter};
use crate::config::OFFERS_MAX;

/// What may stand in the place of the last thing that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// How many characters before the cursor it takes the place of.
    pub replaces: usize,
    /// What there is to choose from: one at least.
    pub offers: Vec<Offer>,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is offered, in words.
    pub shown: String,
    /// What is put into the text.
    pub text: String,
}

/// What is offered after `before`, the text before the cursor. `people` are those who can be mentioned, in the order in which they are offered.
#[must_use]
pub fn complete(before: &str, people: impl FnOnce() -> Vec<String>) -> Option<Completion> {
    let offers_of = |typed: &str, offers: Vec<Offer>| {
        let replaces = typed.chars().count() + 1;
        (!offers.is_empty()).then_some(Completion { replaces, offers })
    };
    if let Some(typed) = after_sign(before, ':').filter(|typed| typed.len() > 1) {
        let emoji = named(typed).take(OFFERS_MAX);
        let offers = emoji.map(|(name, emoji)| Offer {
            shown: format!("{emoji} {name}"),
            text: emoji.to_owned(),
        });
        return offers_of(typed, offers.collect());
    }
    let typed = after_sign(before, '@').filter(|typed| typed.chars().count() <= NAME_CHARS_MAX)?;
    let mut begins = skeleton(typed);
    // "Ann " is the beginning of "Ann Lee", and no longer of "Ann".
    if typed.ends_with(' ') {
        begins.push(' ');
    }
    let mut whole = Vec::new();
    let mut longer = Vec::new();
    for name in people() {
        let looks = skeleton(&name);
        let is_last_name = || looks.split(' ').skip(1).any(|word| word.starts_with(&begins));
        if looks == begins {
            whole.push(name);
        } else if looks.starts_with(&begins) || is_last_name() {
            longer.push(name);
        }
    }
    if longer.is_empty() {
        return None;
    }
    // What was typed as a whole is what is meant.
    let names = whole.into_iter().chain(longer).take(OFFERS_MAX);
    let offers = names.map(|name| Offer {
        text: format!("@{name} "),
        shown: name,
    });
    offers_of(typed, offers.collect())
}

/// The emoji whose name was just typed to its end, `:smile:`, and how many characters it takes the place of.
#[must_use]
pub fn typed_emoji(before: &str) -> Option<(usize, &'static str)> {
    let typed = after_sign(before.strip_suffix(':')?, ':')?;
    let (_, emoji) = named(typed).find(|(name, _)| *name == typed)?;
    Some((typed.len() + 2, emoji))
}

/// What was typed since a sign that begins a word, in the same line.
fn after_sign(before: &str, sign: char) -> Option<&str> {
    let (text, typed) = before.rsplit_once(sign)?;
    let is_free = !text
        .chars()
        .next_back()
        .is_some_and(|before| is_letter(before) || before == sign || before == '`');
    (is_free && !typed.contains('\n')).then_some(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(before: &str) -> Option<(usize, Vec<String>)> {
        let people = ["Ann", "Ann Lee", "Bob", "Zoë 🦜", "van Ann"].map(str::to_owned);
        let Completion { replaces, offers } = complete(before, || people.into())?;
        Some((replaces, offers.into_iter().map(|offer| offer.text).collect()))
    }

    #[test]
    fn names_are_offered_after_an_at_until_one_is_whole() {
        let names = |names: &[&str]| names.iter().map(|name| format!("@{name} ")).collect::<Vec<_>>();
        for (before, replaces, expected) in [
            ("@", 1, names(&["Ann", "Ann Lee", "Bob", "Zoë 🦜", "van Ann"])),
            ("hi @a", 2, names(&["Ann", "Ann Lee", "van Ann"])),
            ("(@BO", 3, names(&["Bob"])),
            ("@ann ", 5, names(&["Ann Lee"])),
            ("@ann l", 6, names(&["Ann Lee"])),
            ("@ann", 4, names(&["Ann", "Ann Lee", "van Ann"])),
            ("x\n@lee", 4, names(&["Ann Lee"])),
        ] {
            assert_eq!(offered(before), Some((replaces, expected)), "{before}");
        }
        let long = format!("@{}", "a".repeat(10_000));
        for before in ["", "hi", "a@b", "@Bob", "@Bob ", "@x", "@Bob and", "@A\n", "@@", &long] {
            assert_eq!(offered(before), None, "{before}");
        }
    }

    #[test]
    fn nobody_asks_who_is_there_before_a_name_is_typed() {
        for before in ["", "hi", "a@b", ":smi", "@Bob\nhi"] {
            let _ = complete(before, || panic!("asked for {before}"));
        }
    }

    #[test]
    fn emoji_are_offered_after_two_letters_and_take_the_place_of_their_names() {
        assert_eq!(offered("so :smi"), Some((4, ["😄", "😏"].map(str::to_owned).to_vec())));
        for before in [":", ":s", ":D", "10:30", "https:sm", ":-)", "::smile", ":the", ": sm"] {
            assert_eq!(offered(before), None, "{before}");
        }
        assert_eq!(typed_emoji("so :smile:"), Some((7, "😄")));
        assert_eq!(typed_emoji(":x:"), Some((3, "❌")));
        for before in [":smile", ":smil:", "a:x:", "`:x:", "::", "10:30:", ":x: "] {
            assert_eq!(typed_emoji(before), None, "{before}");
        }
    }
}
