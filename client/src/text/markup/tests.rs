use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{
    super::{
        inline::Look,
        mention::{Mentioned, Who},
    },
    *,
};

/// What is shown, for people who read tests: `b(…)` is bold, `i(…)` italic, `c(…)` code, `a(…)` a link, `@(…)` and `me(…)` mentions.
fn shown(text: &str) -> String {
    let names = [Mentioned::new("Me", Who::Me), Mentioned::new("Ann Lee", Who::Other)];
    let mut out = String::new();
    show(&blocks(text, &names), &mut out);
    out
}

fn show(blocks: &[Block<'_>], out: &mut String) {
    for (number, block) in blocks.iter().enumerate() {
        if number > 0 {
            out.push('|');
        }
        match block {
            Block::Text(lines) => {
                let lines: Vec<_> = lines.iter().map(line).collect();
                *out += &lines.join("\n");
            }
            Block::Code(lines) => *out += &format!("code({})", lines.join("\n")),
            Block::List(items) => {
                for Item {
                    number,
                    level,
                    line: text,
                } in items
                {
                    let sign = number.unwrap_or("•");
                    let _ = write!(out, "{sign}{}({})", "+".repeat(*level), line(text));
                }
            }
            Block::Quote(inner) => {
                *out += "quote(";
                show(inner, out);
                out.push(')');
            }
        }
    }
}

fn line(line: &Line<'_>) -> String {
    let span = |span: &Span<'_>| {
        let mut text = match span.kind {
            Kind::Plain => span.text.to_owned(),
            Kind::Code => format!("c({})", span.text),
            Kind::Link(address) if address == span.text => format!("a({address})"),
            Kind::Link(address) => format!("a({} = {address})", span.text),
            Kind::Mention(Who::Me) => format!("me({})", span.text),
            Kind::Mention(Who::Other) => format!("@({})", span.text),
        };
        for (is_on, sign) in [(span.look.italic, "i"), (span.look.bold, "b")] {
            if is_on {
                text = format!("{sign}({text})");
            }
        }
        text
    };
    line.iter().map(span).collect()
}

#[test]
fn what_stands_out_is_read() {
    for (text, expected) in [
        ("a **b** c", "a b(b) c"),
        ("*a* _b_", "i(a) i(b)"),
        ("***a***", "b(i(a))"),
        ("**a *b* c**", "b(a )b(i(b))b( c)"),
        ("*a **b***", "i(a )b(i(b))"),
        ("(*a*), \"_b_\"!", "(i(a)), \"i(b)\"!"),
        ("中文**粗**体", "中文b(粗)体"),
        ("**🦜**", "b(🦜)"),
        ("`a * b` *c*", "c(a * b) i(c)"),
        ("``a ` b``", "c(a ` b)"),
        ("**`x`**", "b(c(x))"),
        ("see https://a.example/x_y_z.", "see a(https://a.example/x_y_z)."),
        ("**https://a.example**", "b(a(https://a.example))"),
        ("_https://a.example/_", "i(a(https://a.example/))"),
        ("[it](https://a.example/(x)) now", "a(it = https://a.example/(x)) now"),
        ("**[it](http://a.example)**", "b(a(it = http://a.example))"),
        ("`https://a.example`", "c(https://a.example)"),
        ("hi @me and *@ann lee*", "hi me(@me) and i(@(@ann lee))"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_markup_stays_as_it_was_typed() {
    for text in [
        "2 * 3 * 4",
        "2*3*4",
        "2**3**4",
        "snake_case_name and _foo_bar",
        "__init__.py",
        "*.rs",
        "*.rs,*.toml and **/*.rs",
        "/* a comment */ path/*/x",
        "C:\\*a*\\ and ~/.x/*",
        "char *a, *b;",
        "*args, **kwargs",
        ":* :* (*_*) *-* ^_^ -_- >_< ¯\\_(ツ)_/¯ T_T",
        ">:( >.< >>> >",
        "5* hotel, 4*",
        "** a** and *b *",
        "**",
        "****a****",
        "a `` b",
        "` `",
        "-5 and - ",
        "1.5 and 2) x",
        "007. Bond",
        "2026. So much for that",
        ". a",
        "x. a",
        "-- \n-",
        "```",
        "``` a",
        "```\n```",
        "[a](javascript:alert(1)) [b] (c) [d](e f) []( https://",
        "[ ](https:x)",
        "[a](https://a.\u{200b}example)",
        "mail me@example.org @you @mechanic",
        "<b>a</b> &amp; # no heading\n===",
        "line one\n  line two, indented\n\nline four\n",
        "a\r\nb",
        "",
    ] {
        assert_eq!(shown(text), text, "{text}");
        assert!(matches!(&blocks(text, &[])[..], [Block::Text(_)]), "{text}");
    }
}

#[test]
fn lists_quotes_and_code_stand_on_lines_of_their_own() {
    for (text, expected) in [
        ("- a\n- *b*\nc", "•(a)•(i(b))|c"),
        ("x\n* a\n  - b\n• c", "x|•(a)•+(b)•(c)"),
        ("2. a\n3. b\n- c", "2(a)3(b)|•(c)"),
        ("                - a", "•+++(a)"),
        ("> a\n> b\nc", "quote(a\nb)|c"),
        ("> - a\n> > b", "quote(•(a)|quote(b))"),
        ("> > > > > > a", "quote(quote(quote(quote(> > a))))"),
        ("a\n```rust\nlet *x* = 1;\n\n```\nb", "a|code(let *x* = 1;\n)|b"),
        ("```let x = 1;\nx\n```", "code(let x = 1;\nx)"),
        ("```word\n```", "code(word)"),
        ("```\n- a\n> b\n``` ", "code(- a\n> b)"),
        ("> ```\n> x\n> ```", "quote(code(x))"),
        ("```\na\n```\n```\nb", "code(a)|```\nb"),
        ("**a\nb**", "**a\nb**"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn long_texts_are_cut_between_characters_and_lines() {
    let cut = |text: &str| {
        collapse(&blocks(text, &[])).map(|blocks| {
            let mut out = String::new();
            show(&blocks, &mut out);
            out
        })
    };
    assert_eq!(cut("short\n- list\n> quote"), None);
    let long = "🦜".repeat(COLLAPSED_CHARS + 1);
    assert_eq!(cut(&long), Some("🦜".repeat(COLLAPSED_CHARS)));
    assert_eq!(cut(&"🦜".repeat(COLLAPSED_CHARS)), None);
    let lines = "x\n".repeat(COLLAPSED_LINES);
    assert_eq!(cut(&lines).as_deref(), lines.strip_suffix('\n'));
    assert_eq!(cut(lines.trim_end()), None);
    assert_eq!(cut(&"- x\n".repeat(50)), Some("•(x)".repeat(COLLAPSED_LINES)));
    let quote = cut(&"> x\n".repeat(50)).unwrap();
    assert_eq!(quote, format!("quote({})", "x\n".repeat(COLLAPSED_LINES).trim_end()));
    let code = cut(&format!("```\n{}```", "x\n".repeat(50))).unwrap();
    assert_eq!(code, format!("code({})", "x\n".repeat(COLLAPSED_LINES).trim_end()));
    let bold = cut(&format!("**{}** _b_", "x".repeat(COLLAPSED_CHARS + 1))).unwrap();
    assert_eq!(bold, format!("b({})", "x".repeat(COLLAPSED_CHARS)));
    // A link across the cut is no link.
    let begins = "x".repeat(COLLAPSED_CHARS - 10);
    assert_eq!(
        cut(&format!("{begins} https://a.example/path")),
        Some(format!("{begins} https://a"))
    );
}

/// What is shown of a text, piece by piece, and how deep it stands.
fn visible<'a>(blocks: &[Block<'a>], out: &mut Vec<&'a str>) -> usize {
    let mut deepest = 0;
    for block in blocks {
        let mut put = |line: &Line<'a>| out.extend(line.iter().map(|span| span.text));
        match block {
            Block::Text(lines) => lines.iter().for_each(put),
            Block::Code(lines) => out.extend(lines),
            Block::List(items) => items.iter().for_each(|item| put(&item.line)),
            Block::Quote(inner) => deepest = deepest.max(1 + visible(inner, out)),
        }
    }
    deepest
}

/// What is not shown of a text, piece by piece. Each piece that is shown must be a part of the text, and stand in its order.
fn hidden<'a>(typed: &'a str, shown: &[&str]) -> Option<Vec<&'a str>> {
    let mut end = 0;
    let mut hidden = Vec::new();
    for piece in shown {
        let start = (piece.as_ptr() as usize).checked_sub(typed.as_ptr() as usize)?;
        hidden.push(typed.get(end..start)?);
        end = start + piece.len();
    }
    hidden.push(typed.get(end..)?);
    Some(hidden)
}

/// Whether what is not shown is markers alone: of lines, of what stands out, of code with its language, or of a link with its address.
fn is_marker(hidden: &str) -> bool {
    let address = hidden.strip_prefix("](").and_then(|rest| rest.split_once(')'));
    let mut rest = address.map_or(hidden, |(_, rest)| rest).to_owned();
    if let Some((before, after)) = rest.rsplit_once("```") {
        rest = before.to_owned()
            + after.trim_start_matches(|char: char| char.is_ascii_alphanumeric() || "+#._- \r\t".contains(char));
    }
    rest.chars().all(|char| "*_`[]()>-. \t\r\n012".contains(char))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn every_character_is_shown_but_for_markers(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "*", "**", "_", "`", "``", "```", "```rs\n", "[", "](", ")", "[a](https://b.example)", "https://c.example/", "> ", ">", "- ",
                "  ", "1. ", "\n", "\n```\n", " ", "@Me", "@", "a", "bc", "é", "🦜", "中", ".", "/", "\\", "\u{202e}", "\r", "\t", "12",
            ]),
            0..60,
        )
    ) {
        let typed = parts.concat();
        let names = [Mentioned::new("Me", Who::Me)];
        let all = blocks(&typed, &names);
        let mut shown = Vec::new();
        prop_assert!(visible(&all, &mut shown) <= QUOTE_DEPTH_MAX);
        let hidden = hidden(&typed, &shown).expect("all that is shown was typed");
        prop_assert!(hidden.iter().all(|hidden| is_marker(hidden)), "{:?} hides {:?}", typed, hidden);
        if let Some(cut) = collapse(&all) {
            let mut less = Vec::new();
            visible(&cut, &mut less);
            prop_assert!(shown.concat().starts_with(&less.concat()));
        }
    }

    #[test]
    fn no_text_stops_the_program(text in any::<String>()) {
        let all = blocks(&text, &[]);
        prop_assert!(!all.is_empty());
        let _ = collapse(&all);
    }

    /// What is put between markers stands out, whatever is around.
    #[test]
    fn words_between_markers_stand_out(before in "[a-z ]{0,9}", word in "[a-z]{1,9}", after in "[a-z,. ]{0,9}") {
        for (marker, look) in [("**", Look { bold: true, italic: false }), ("*", Look { bold: false, italic: true })] {
            let typed = format!("{before} {marker}{word}{marker} {after}x");
            let all = blocks(&typed, &[]);
            let [Block::Text(lines)] = &all[..] else {
                return Err(TestCaseError::fail(typed));
            };
            let expected = Span { text: &word, kind: Kind::Plain, look };
            prop_assert!(lines[0].contains(&expected), "{:?}", lines);
        }
    }
}

#[test]
fn hostile_texts_take_time_in_proportion_to_their_length() {
    let names: Vec<_> = (0..200)
        .map(|number| Mentioned::new(&format!("a{number}"), Who::Other))
        .collect();
    let time = |part: &str, bytes: usize| {
        let text = part.repeat(bytes / part.len());
        let run = || {
            #[expect(clippy::disallowed_methods, reason = "it is time that is measured")]
            let started = Instant::now();
            let _ = collapse(&blocks(&text, &names));
            started.elapsed()
        };
        (0..3).map(|_| run()).min().unwrap()
    };
    for part in [
        "*",
        "**",
        "*a",
        "*a ",
        " *a",
        "**a*",
        "_a",
        "***a_",
        "`",
        "`a",
        "`a``b```c",
        "[",
        "[a](",
        "[a](b",
        "](",
        "](a",
        "(",
        "[](",
        "> ",
        ">",
        "> > a\n",
        "- ",
        "- a\n",
        "1. a\n",
        "```\n",
        "```a\n",
        "> ```\n",
        "\n",
        "@",
        "@a",
        "@a1 ",
        "@a1@",
        "https://",
        "https://a.b",
        "https://a.b/ ",
        "http://a@",
        "x://",
        "http://a\u{200b}",
        "[a](https://b.c)",
        "a",
        " ",
        "🦜",
    ] {
        let (short, long) = (time(part, 16 * 1024), time(part, 128 * 1024));
        // Eight times as long; a time that grows with the square would be 64 times as long.
        assert!(
            long < short * 24 + Duration::from_millis(400),
            "{part:?}: {short:?} for 16 KiB, {long:?} for 128 KiB"
        );
    }
}
