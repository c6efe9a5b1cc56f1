//! The tokens of a script.

use super::super::quoted::quoted;

/// A piece of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Token<'a> {
    Word(&'a str),
    /// A string, or a piece of a template, without its quotes.
    Text(&'a str),
    Number,
    Pattern,
    Mark(&'a str),
}

/// Marks of more than one character that mean something here, longest first.
const MARKS: [&str; 9] = ["...", "??=", "||=", "&&=", "**=", "**", "??", "?.", "=>"];

/// Words that are no names.
pub(super) const KEYWORDS: [&str; 41] = [
    "arguments",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "null",
    "of",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
];

/// The tokens of a script. Comments are left out.
pub(in super::super) fn tokens(script: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = script;
    // How many braces are open within each `${` that is open.
    let mut templates: Vec<usize> = Vec::new();
    while let Some(first) = rest.chars().next() {
        let end = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if is_name(first) && !first.is_ascii_digit() {
            let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..end]));
            end
        } else if first.is_ascii_digit() {
            tokens.push(Token::Number);
            rest.find(|letter| !is_name(letter) && letter != '.')
                .unwrap_or(rest.len())
        } else if first == '"' || first == '\'' {
            let end = quoted(rest, &[first]);
            tokens.push(Token::Text(&rest[1..end]));
            end + 1
        } else if first == '`' || (first == '}' && templates.last() == Some(&0)) {
            if first == '}' {
                templates.pop();
            }
            let end = template(rest);
            tokens.push(Token::Text(&rest[1..end]));
            let is_open = rest[end..].starts_with("${");
            if is_open {
                templates.push(0);
            }
            end + if is_open { 2 } else { 1 }
        } else if first == '/' && may_be_pattern(tokens.last()) {
            tokens.push(Token::Pattern);
            pattern(rest)
        } else {
            let depth = templates.last_mut();
            match (first, depth) {
                ('{', Some(depth)) => *depth += 1,
                ('}', Some(depth)) => *depth -= 1,
                _ => {}
            }
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
            let end = mark.map_or(first.len_utf8(), |mark| mark.len());
            tokens.push(Token::Mark(&rest[..end]));
            end
        };
        rest = rest.get(end..).unwrap_or_default();
    }
    tokens
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$' || letter == '#'
}

/// Where a piece of a template ends: at its last quote or at `${`.
fn template(text: &str) -> usize {
    let mut from = 0;
    loop {
        let end = from + quoted(&text[from..], &['`', '$']);
        if end >= text.len() || text[end..].starts_with('`') || text[end..].starts_with("${") {
            return end;
        }
        from = end;
    }
}

/// A slash behind a value divides.
fn may_be_pattern(before: Option<&Token<'_>>) -> bool {
    match before {
        None => true,
        Some(Token::Word(word)) => {
            KEYWORDS.contains(word) && !["this", "super", "null", "true", "false"].contains(word)
        }
        Some(Token::Mark(mark)) => ![")", "]", "}"].contains(mark),
        Some(Token::Text(_) | Token::Number | Token::Pattern) => false,
    }
}

/// Where a regular expression ends, its flags included.
fn pattern(text: &str) -> usize {
    let mut at = 0;
    loop {
        at += quoted(&text[at..], &['/', '[', '\n']);
        if !text[at..].starts_with('[') {
            break;
        }
        at += quoted(&text[at..], &[']', '\n']);
    }
    let flags = text.get(at + 1..).unwrap_or_default();
    at + 1 + flags.find(|letter| !is_name(letter)).unwrap_or(flags.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_cut_into_tokens() {
        assert_eq!(
            tokens("a?.b /* c */ = `d${{e: 1.5}}'${f}`; // g\nreturn /[/]\\//u.test('\\'')"),
            [
                Token::Word("a"),
                Token::Mark("?."),
                Token::Word("b"),
                Token::Mark("="),
                Token::Text("d"),
                Token::Mark("{"),
                Token::Word("e"),
                Token::Mark(":"),
                Token::Number,
                Token::Mark("}"),
                Token::Text("'"),
                Token::Word("f"),
                Token::Text(""),
                Token::Mark(";"),
                Token::Word("return"),
                Token::Pattern,
                Token::Mark("."),
                Token::Word("test"),
                Token::Mark("("),
                Token::Text("\\'"),
                Token::Mark(")"),
            ]
        );
        assert_eq!(tokens("`open"), [Token::Text("open")]);
        assert_eq!(tokens("'open"), [Token::Text("open")]);
    }
}
