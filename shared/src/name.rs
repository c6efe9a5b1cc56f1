//! Names of people and open rooms: what can be seen, and what people would take for the same.
//!
//! After UTS #39, *Unicode Security Mechanisms*: two names are compared by their *skeletons*. Deviation: whole tables of normalisation and
//! confusables would weigh more than the mesh, so only compatibility letters, and Cyrillic and Greek letters that look like Latin ones,
//! are put in the place of these, and the case of these three scripts, and of Armenian, is ignored. Accents stay: `José` and `Jose` are two names.

/// Whether a character cannot be seen, or changes the order of others: controls, marks of direction, spaces without width, fillers.
/// Joiners and variation selectors are not among them: words of some scripts, and emoji, need them.
#[must_use]
pub fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}')
}

/// Whether there is anything to be seen: not only white space, joiners and the like.
#[must_use]
pub fn is_visible(name: &str) -> bool {
    let shows = |char: char| !char.is_whitespace() && !is_hidden(char) && !is_ignorable(char) && !is_mark(char);
    name.chars().any(shows)
}

/// Whether a character only adds to the one before it: an accent.
#[must_use]
pub fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Joiners, variation selectors and tags: nothing by themselves.
fn is_ignorable(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// What two names have in common that people would take for the same: without case, spacing, what cannot be seen, and what looks alike.
#[must_use]
pub fn skeleton(name: &str) -> String {
    let seen: String = name
        .chars()
        .filter(|char| !is_hidden(*char) && !is_ignorable(*char))
        .collect();
    let words: Vec<_> = seen.split_whitespace().collect();
    let mut letters = String::new();
    for char in words.join(" ").chars().map(prototype).map(lower) {
        let marked = composed(&letters, char);
        if marked.is_some() {
            letters.pop();
        }
        letters.push(marked.unwrap_or(char));
    }
    let mut skeleton = String::new();
    for char in letters.chars() {
        match char {
            // Of one stroke; which is which depends on the typeface.
            'i' | 'l' | '1' | '|' | 'ı' => skeleton.push('l'),
            '0' => skeleton.push('o'),
            'm' => skeleton.push_str("rn"),
            other => skeleton.push(other),
        }
    }
    skeleton
}

/// A letter, and Cyrillic and Greek ones that look like it.
// No limit: a table.
const LOOKALIKES: &str = "AАΑ BВΒ CСϹ EЕΕ HНΗ IІΙӀ JЈ KКΚ MМΜ NΝ OОΟ PРΡ SЅ TТΤ XХΧ YУΥҮ ZΖ \
    aаαɑ cсϲ dԁ eеҽ gɡ hһ iіιӏ jјϳ kκк oοоσ pрρ qԛ sѕ tτт uυ vνѵ wԝ xхχ yуγү";

/// Marks, and the lower-case letters with them: first the letter alone, then with its mark.
// No limit: a table.
const MARKED: &str = "\u{300}aàeèiìoòuùnǹ \u{301}aáeéiíoóuúyýcćnńsśzźrŕ \u{302}aâeêiîoôuûcĉgĝhĥjĵsŝwŵyŷ \
    \u{303}aãnñoõiĩuũ \u{304}aāeēiīoōuū \u{306}aăeĕgğiĭoŏuŭ \u{307}cċeėgġzż \u{308}aäeëiïoöuüyÿ \u{30a}aåuů \
    \u{30b}oőuű \u{30c}cčdďeěnňrřsštťzž \u{327}cçgģkķlļnņrŗsştţ \u{328}aąeęiįuų";

/// The letter that a mark makes of the last one, if there is such a letter.
fn composed(letters: &str, mark: char) -> Option<char> {
    if !is_mark(mark) {
        return None;
    }
    let letter = letters.chars().next_back()?;
    let mut letters = MARKED.split(' ').find(|group| group.starts_with(mark))?.chars().skip(1);
    while let Some(plain) = letters.next() {
        let marked = letters.next()?;
        if plain == letter {
            return Some(marked);
        }
    }
    None
}

/// The Latin letter that a character looks like, or is a variant of.
fn prototype(char: char) -> char {
    match char {
        // Full width, and those of mathematics: alphabets of 52 letters, one after the other.
        '\u{ff01}'..='\u{ff5e}' => nth('!', u32::from(char) - 0xff01),
        '\u{1d400}'..='\u{1d6a3}' => match (u32::from(char) - 0x1d400) % 52 {
            letter @ 0..=25 => nth('A', letter),
            letter => nth('a', letter - 26),
        },
        other => LOOKALIKES
            .split(' ')
            .find(|group| group.contains(other))
            .and_then(|group| group.chars().next())
            .unwrap_or(other),
    }
}

/// The lower case of a Latin, Greek, Cyrillic or Armenian letter.
fn lower(char: char) -> char {
    let code = u32::from(char);
    let lower = match code {
        0x41..=0x5a | 0xc0..=0xd6 | 0xd8..=0xde | 0x391..=0x3a1 | 0x3a3..=0x3ab | 0x410..=0x42f => code + 0x20,
        0x400..=0x40f => code + 0x50,
        0x178 => 0xff,
        0x386 => 0x3ac,
        0x388..=0x38a => code + 0x25,
        0x38c => 0x3cc,
        0x38e..=0x38f => code + 0x3f,
        0x531..=0x556 => code + 0x30,
        // Final sigma.
        0x3c2 => 0x3c3,
        // Capitals and small letters by turns.
        0x100..=0x137
        | 0x14a..=0x177
        | 0x460..=0x481
        | 0x48a..=0x4bf
        | 0x4d0..=0x52f
        | 0x1e00..=0x1e95
        | 0x1ea0..=0x1eff => code | 1,
        0x139..=0x148 | 0x179..=0x17e => code + code % 2,
        other => other,
    };
    char::from_u32(lower).unwrap_or(char)
}

fn nth(first: char, place: u32) -> char {
    char::from_u32(u32::from(first) + place).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for [one, other] in [
            ["Ada Lovelace", " ada\u{3000}LOVELACE "],
            ["Ada", "A\u{200b}da"],
            ["Ada", "Ad\u{200d}a\u{202e}"],
            ["Alice", "Аlісе"],
            ["Alice", "AIice"],
            ["Tom", "Τοm"],
            ["Bob", "Вob"],
            ["Bob", "B0b"],
            ["Mallory", "rnallory"],
            ["Ann", "Ａｎｎ"],
            ["Ann", "𝐀𝐧𝐧"],
            ["Ann", "𝒜𝓃𝓃"],
            ["JOSÉ", "josé"],
            ["Zoë", "Zoe\u{308}"],
            ["ŠÍMA", "S\u{30c}i\u{301}ma"],
            ["NGUYỄN", "nguyễn"],
            ["ŻÓŁĆ", "żółć"],
            ["ЖУК ЁЖ", "жук ёж"],
            ["ΦΛΞ", "φλξ"],
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for [one, other] in [
            ["Ada", "Eda"],
            ["José", "Jose"],
            ["ł", "ń"],
            ["Анна", "Инна"],
            ["👩", "👨"],
            ["Ann A", "Anna"],
        ] {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    #[test]
    fn case_is_that_of_unicode() {
        for code in (0x41..0x180)
            .chain(0x386..0x3ac)
            .chain(0x400..0x557)
            .chain(0x1e00..0x1e96)
            .chain(0x1ea0..0x1f00)
        {
            let Some(char) = char::from_u32(code) else { continue };
            let expected: Vec<_> = char.to_lowercase().collect();
            // İ, which becomes two characters, and its kind.
            if expected.len() == 1 && !"ŉſƿӀ".contains(char) && !(0x4c0..0x4d0).contains(&code) {
                assert_eq!(lower(char), expected[0], "{char} {code:x}");
            }
        }
    }

    #[test]
    fn what_cannot_be_seen_is_hidden_or_makes_no_name() {
        for char in [
            '\0', '\n', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{3164}', '\u{ad}', '\u{2800}',
        ] {
            assert!(is_hidden(char), "{char:?}");
        }
        for name in [
            "",
            " ",
            "\u{301}\u{301}",
            "\u{200d}",
            "\u{fe0f}\u{fe0f}",
            "\u{3164}",
            "\u{a0}\u{200c}",
        ] {
            assert!(!is_visible(name), "{name:?}");
        }
        for name in [
            "Ada",
            "🦜",
            "👩\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            "❤\u{fe0f}",
            "नेहा",
            "שרה",
        ] {
            assert!(is_visible(name) && !name.chars().any(is_hidden), "{name}");
        }
    }
}
