//! The syntax of style sheets: blocks, and the pieces of values.

use super::super::quoted::quoted;

/// A piece of a value or a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Word(&'a str),
    /// A word with an opening bracket behind.
    Function(&'a str),
    /// The end of what a bracket opened.
    Close,
    /// The unit of a number.
    Unit(&'a str),
    /// A colour with so many digits.
    Hash(usize),
    Mark(char),
}

/// The pieces of a value. Texts and addresses are left out.
pub(super) fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let word_end = |from: usize| {
            rest[from..]
                .find(|letter| !is_word(letter))
                .map_or(rest.len(), |end| from + end)
        };
        let second = rest[first.len_utf8()..].chars().next().unwrap_or(' ');
        let is_number = first.is_ascii_digit() || (".+-".contains(first) && (second.is_ascii_digit() || second == '.'));
        let end = if first == '"' || first == '\'' {
            text_end(rest)
        } else if is_number {
            let digits = rest[1..].find(|letter: char| !letter.is_ascii_digit() && letter != '.');
            let digits = digits.map_or(rest.len(), |digits| digits + 1);
            let end = word_end(digits);
            if end > digits {
                pieces.push(Piece::Unit(&rest[digits..end]));
            }
            end
        } else if first == '#' {
            let end = word_end(1);
            pieces.push(Piece::Hash(end - 1));
            end
        } else if is_word(first) {
            let end = word_end(0);
            let word = &rest[..end];
            if !rest[end..].starts_with('(') {
                pieces.push(Piece::Word(word));
                end
            } else if word.eq_ignore_ascii_case("url") {
                rest.find(')').map_or(rest.len(), |close| close + 1)
            } else {
                pieces.push(Piece::Function(word));
                end + 1
            }
        } else {
            match first {
                '(' => pieces.push(Piece::Function("")),
                ')' => pieces.push(Piece::Close),
                mark if mark.is_whitespace() => {}
                mark => pieces.push(Piece::Mark(mark)),
            }
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    pieces
}

pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_'
}

/// Behind the text that begins here with a quote.
fn text_end(text: &str) -> usize {
    let quote = text.chars().next().unwrap_or_default();
    (quoted(text, &[quote]) + 1).min(text.len())
}

/// `mask` of `-webkit-mask`.
pub(super) fn without_prefix(name: &str) -> &str {
    let inner = ["-webkit-", "-moz-", "-ms-", "-o-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    inner.unwrap_or(name)
}

/// Comments are blanks.
pub(super) fn without_comments(sheet: &str) -> String {
    let mut plain = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => text_end(rest),
            _ if rest.starts_with("/*") => {
                rest = rest.split_once("*/").map_or("", |(_, behind)| behind);
                plain.push(' ');
                continue;
            }
            _ => first.len_utf8(),
        };
        plain.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    plain
}

/// A selector without its attributes, whose values may hold anything.
pub(super) fn without_brackets(selector: &str) -> String {
    let mut depth = 0_u32;
    let mut plain = String::new();
    for letter in selector.chars() {
        depth += u32::from(letter == '[');
        if depth == 0 {
            plain.push(letter);
        }
        depth = depth.saturating_sub(u32::from(letter == ']'));
    }
    plain
}

/// What stands in a block: declarations and at-rules without a body, and heads with the body behind.
pub(super) fn items(block: &str) -> Vec<(&str, Option<&str>)> {
    let mut items = Vec::new();
    let (mut start, mut at, mut round, mut depth, mut body) = (0, 0, 0_u32, 0_u32, None);
    while let Some(letter) = block[at..].chars().next() {
        let end = at
            + if "\"'".contains(letter) {
                text_end(&block[at..])
            } else {
                letter.len_utf8()
            };
        match letter {
            '(' => round += 1,
            ')' => round = round.saturating_sub(1),
            '{' => {
                if depth == 0 {
                    body = Some(at);
                }
                depth += 1;
            }
            '}' => {
                depth = depth.saturating_sub(1);
                if let Some(open) = body.filter(|_| depth == 0) {
                    items.push((block[start..open].trim(), Some(&block[open + 1..at])));
                    (start, body) = (end, None);
                }
            }
            ';' if depth == 0 && round == 0 => {
                items.push((block[start..at].trim(), None));
                start = end;
            }
            _ => {}
        }
        at = end;
    }
    items.push((block[start..].trim(), None));
    items.retain(|(head, body)| !head.is_empty() || body.is_some());
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_into_pieces() {
        assert_eq!(
            pieces("url(a.svg) -1.5rem/env(b, #0f0) 'c d' *"),
            [
                Piece::Unit("rem"),
                Piece::Mark('/'),
                Piece::Function("env"),
                Piece::Word("b"),
                Piece::Mark(','),
                Piece::Hash(3),
                Piece::Close,
                Piece::Mark('*'),
            ]
        );
    }

    #[test]
    fn a_block_is_cut_into_its_items() {
        let block = without_comments("a:url(b;c);/* d; */@e f;g{h:'}';i{j:k}}l:m");
        assert_eq!(
            items(&block),
            [
                ("a:url(b;c)", None),
                ("@e f", None),
                ("g", Some("h:'}';i{j:k}")),
                ("l:m", None),
            ]
        );
    }
}
