//! What others wrote, as text that can do nothing to a terminal and cannot look like something else.
//!
//! A terminal obeys control characters and escape sequences that stand in a text; some terminals also obey marks of direction. All of them, and
//! what cannot be seen, are shown as what they are: `<U+001B>`. Joiners and variation selectors stay, for words of some scripts and
//! emoji need them.
//!
//! Invariants, which hold for any text: the result has no control character but line feeds, after each of which the margin stands; so where a
//! line begins without a margin, this program began it.

pub mod columns;

use shared::name::is_hidden;
use unicode_width::UnicodeWidthChar;

/// A text on one line: a name, say. Line breaks are shown as what they are, too.
#[must_use]
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        push(&mut shown, char);
    }
    shown
}

/// A name before or within a line of ours: also without what would make it look like another kind of line.
#[must_use]
pub fn name(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        // What ends a name, and what looks like it.
        let is_mark = ":\u{589}\u{5c3}\u{2236}\u{a789}\u{fe55}\u{ff1a}\u{fe13}".contains(char);
        if is_mark || shown.is_empty() && (char == '*' || char.is_whitespace()) {
            push_code(&mut shown, char);
        } else {
            push(&mut shown, char);
        }
    }
    shown
}

/// A text of several lines. All but the first begin with `margin`, which is one of ours. Where the terminal has so many `columns`, lines are broken
/// before the terminal would do that by itself, without a margin; `used` of them are taken on the first line.
#[must_use]
pub fn block(text: &str, margin: &str, columns: Option<usize>, used: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    // Too narrow a terminal breaks the lines by itself.
    let columns = columns.filter(|columns| *columns > width(margin) + NARROWEST);
    let mut column = used;
    let mut characters = text.chars().peekable();
    while let Some(char) = characters.next() {
        let is_break = char == '\n' || char == '\r' && characters.peek() == Some(&'\n');
        if is_break {
            if char == '\r' {
                characters.next();
            }
            new_line(&mut shown, margin, &mut column);
            continue;
        }
        let before = shown.len();
        push(&mut shown, char);
        let wide = width(&shown[before..]);
        if columns.is_some_and(|columns| column + wide > columns) {
            let last = shown.split_off(before);
            new_line(&mut shown, margin, &mut column);
            shown += &last;
        }
        column += wide;
    }
    shown
}

/// Sentences of ours with names in them: the isolates around names say nothing to most terminals, and are left out.
#[must_use]
pub fn sentence(words: &str) -> String {
    line(&words.replace(['\u{2068}', '\u{2069}'], ""))
}

/// A line of JSON with escapes for what a terminal would obey. Whoever reads it as JSON reads the same.
#[must_use]
pub fn json(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    // All of this can stand within strings only.
    for char in line.chars() {
        if is_harmful(char) {
            for unit in char.encode_utf16(&mut [0; 2]).iter() {
                escaped += &format!("\\u{unit:04x}");
            }
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// How many columns a text takes that has no controls in it.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// Less than this is no width to break lines for.
// No limit: a matter of looks.
const NARROWEST: usize = 20;

fn new_line(shown: &mut String, margin: &str, column: &mut usize) {
    shown.push('\n');
    *shown += margin;
    *column = width(margin);
}

fn push(shown: &mut String, char: char) {
    match char {
        '\t' => *shown += "    ",
        char if is_harmful(char) => push_code(shown, char),
        char => shown.push(char),
    }
}

fn push_code(shown: &mut String, char: char) {
    *shown += &format!("<U+{:04X}>", u32::from(char));
}

fn is_harmful(char: char) -> bool {
    // The last of these are tags and more variation selectors: whole texts that nobody sees can be written with them.
    is_hidden(char) || matches!(char, '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_as_what_it_is() {
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "<U+001B>[2J<U+001B>]0;title<U+0007>"),
            ("\u{9b}31mred", "<U+009B>31mred"),
            ("all is well\rAnn: no", "all is well<U+000D>Ann: no"),
            ("gpj.\u{202e}exe\u{2066}", "gpj.<U+202E>exe<U+2066>"),
            ("a\u{200b}b\u{feff}", "a<U+200B>b<U+FEFF>"),
            ("\u{8}\u{7f}\u{85}\u{2028}", "<U+0008><U+007F><U+0085><U+2028>"),
            ("\u{e0041}", "<U+E0041>"),
            ("a\tb", "a    b"),
            ("a\nb", "a<U+000A>b"),
            ("👩\u{200d}💻 é\u{301} नमस्ते", "👩\u{200d}💻 é\u{301} नमस्ते"),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    #[test]
    fn json_has_escapes_for_what_a_terminal_obeys() {
        let text = "a\\\u{7f}\u{9b}31m\u{202e}\u{2028}\u{1b}\u{e0041} é\"\n";
        let line = json(&serde_json::to_string(text).unwrap());
        assert_eq!(line, r#""a\\\u007f\u009b31m\u202e\u2028\u001b\udb40\udc41 é\"\n""#);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn nobodys_words_look_like_anothers_line() {
        assert_eq!(
            block("hi\nAnn: I agree\r\n> yes", "    ", None, 5),
            "hi\n    Ann: I agree\n    > yes"
        );
        // By filling the line up until the terminal breaks it.
        let text = format!("hi{}Ann: I agree", " ".repeat(35));
        assert_eq!(
            block(&text, "    ", Some(40), 3),
            format!("hi{}\n    Ann: I agree", " ".repeat(35))
        );
        // A wide character is not cut in two.
        assert_eq!(
            block(&"字".repeat(20), "  ", Some(30), 1),
            format!("{}\n  {}", "字".repeat(14), "字".repeat(6))
        );
        assert_eq!(sentence("\u{2068}Ann\u{1b}\u{2069} is gone"), "Ann<U+001B> is gone");
    }

    #[test]
    fn no_name_looks_like_another_kind_of_line() {
        for (text, shown) in [
            ("Ann", "Ann"),
            ("Ann: hello", "Ann<U+003A> hello"),
            ("Ann：hello", "Ann<U+FF1A>hello"),
            ("* Bob left", "<U+002A> Bob left"),
            (" Ann", "<U+0020>Ann"),
            ("Ann *\n", "Ann *<U+000A>"),
        ] {
            assert_eq!(name(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_has_a_control_or_a_line_without_a_margin(
            text in prop_oneof![
                any::<String>(),
                "[\u{0}-\u{20}\u{7f}-\u{a0}a\u{200b}-\u{206f}字]{0,200}",
            ],
            columns in proptest::option::of(0_usize..120),
        ) {
            let shown = block(&text, "  | ", columns, 7);
            prop_assert!(!shown.chars().any(|char| char != '\n' && is_hidden(char)), "{shown:?}");
            prop_assert!(shown.split('\n').skip(1).all(|line| line.starts_with("  | ")), "{shown:?}");
            if let Some(columns) = columns.filter(|columns| *columns > 24) {
                let first = shown.split('\n').next().map_or(0, width);
                prop_assert!(first + 7 <= columns.max(7 + 10), "{shown:?}");
                prop_assert!(shown.split('\n').skip(1).all(|line| width(line) <= columns), "{shown:?}");
            }
            let flat = line(&text);
            prop_assert!(!flat.chars().any(is_hidden), "{flat:?}");
            // Nothing is lost: each character is there, as itself or by its number.
            prop_assert!(flat.chars().count() >= text.chars().count());
        }
    }
}
