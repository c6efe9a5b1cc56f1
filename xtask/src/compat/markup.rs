//! Elements and attributes, in a page's HTML and in the `html!` of Rust, and the other names that Rust code hands to the browser as text.
//!
//! Rust is read as tokens, tests left out. Found besides markup: a property that is looked up by its name (`field`, `has_global`), an
//! attribute that is set by its name, an event that is listened to, and the options in an object.

use super::javascript::{self, Arguments, Scope};
use super::usage::Uses;
use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use std::collections::BTreeSet;

/// Records the use of an element.
fn element(name: &str, place: &str, uses: &mut Uses<'_>) {
    let _ = uses.note(&["html", "elements", name], place) || uses.note(&["svg", "elements", name], place);
}

/// Records the use of an attribute, and of its value where the value is known and the data tells values apart.
fn attribute(element: &str, name: &str, value: Option<&str>, place: &str, uses: &mut Uses<'_>) {
    if let Some(event) = name.strip_prefix("on") {
        uses.event(event, place);
        return;
    }
    // Elements of both, such as `a` and `title`, are taken for those of HTML.
    let is_svg =
        ["svg", "html"].map(|language| uses.data.find(&[language, "elements", element]).is_some()) == [true, false];
    let language = if is_svg { "svg" } else { "html" };
    let paths = [
        vec![language, "elements", element, name],
        vec![language, "global_attributes", name],
    ];
    if let Some(path) = paths.into_iter().find(|path| uses.note(path, place)) {
        for word in value.unwrap_or_default().split([' ', ',']) {
            let key = word.split('=').next().unwrap_or(word);
            uses.note(&[path.as_slice(), &[key]].concat(), place);
        }
    }
    if let Some(value) = value {
        uses.note(&[language, "elements", element, &format!("{name}_{value}")], place);
    }
}

/// Records what a page uses, its inline scripts included.
pub(super) fn page(html: &str, place: &str, uses: &mut Uses<'_>) {
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            continue;
        }
        let (tag, attributes, behind) = tag(rest);
        rest = behind;
        element(&tag, place, uses);
        let value = |wanted: &str| {
            attributes
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        for (name, value) in &attributes {
            attribute(&tag, name, Some(value), place, uses);
        }
        // The value of one attribute may say what another one means.
        if let (Some(name), Some(content)) = (value("name"), value("content")) {
            for word in content.split(',') {
                let key = word.split('=').next().unwrap_or(word).trim();
                uses.note(&["html", "elements", &tag, "name", name, key], place);
            }
        }
        if let (Some(rel), Some(kind)) = (value("rel"), value("as")) {
            uses.note(&["html", "elements", &tag, "rel", rel, &format!("as-{kind}")], place);
        }
        if tag == "script" {
            let (script, behind) = rest.split_once("</script").unwrap_or((rest, ""));
            rest = behind;
            let scope = Scope {
                global: "Window",
                arguments: Arguments::Unknown,
                place: &format!("a script in {place}"),
            };
            javascript::script(script, &scope, uses);
        }
    }
}

/// The name of a tag and its attributes, and what comes behind.
fn tag(text: &str) -> (String, Vec<(String, String)>, &str) {
    let is_end = |letter: char| letter.is_whitespace() || letter == '>' || letter == '=';
    let word = |text: &str| text.find(is_end).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(word(text));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('>') {
            return (name.to_lowercase(), attributes, rest.get(1..).unwrap_or_default());
        }
        let (attribute, behind) = rest.split_at(word(rest).max(1));
        let mut value = "";
        rest = behind;
        if let Some(behind) = behind.strip_prefix('=') {
            let quote = behind.chars().next().filter(|quote| "\"'".contains(*quote));
            (value, rest) = match quote {
                Some(quote) => behind[1..].split_once(quote).unwrap_or((&behind[1..], "")),
                None => behind.split_at(behind.find([' ', '\n', '>']).unwrap_or(behind.len())),
            };
        }
        if attribute != "/" {
            attributes.push((attribute.to_lowercase(), value.to_owned()));
        }
    }
}

/// Records what a Rust source names.
///
/// # Errors
/// If the source cannot be cut into tokens.
pub(super) fn rust(source: &str, place: &str, uses: &mut Uses<'_>) -> Result<()> {
    let tokens: TokenStream = source
        .parse()
        .map_err(|error| anyhow!("{place} cannot be read: {error}"))?;
    uses.piece(|uses| stream(tokens, Around::Rust, place, uses));
    Ok(())
}

/// What a piece of Rust stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Rust,
    /// `html!`: what begins with a tag is markup, behind an `if` too.
    Markup,
}

fn stream(tokens: TokenStream, around: Around, place: &str, uses: &mut Uses<'_>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let line = || format!("{place}:{}", token.span().start().line);
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' && is_test(tokens.get(at + 1)) => {
                at = behind_item(&tokens, at);
                continue;
            }
            TokenTree::Ident(name) => {
                let next = |at| group(tokens.get(at));
                if matches!(tokens.get(at + 1), Some(TokenTree::Punct(mark)) if mark.as_char() == '!')
                    && ["html", "html_nested"].contains(&name.to_string().as_str())
                {
                    if let Some(body) = next(at + 2) {
                        markup(body.stream(), place, uses);
                    }
                    at += 3;
                    continue;
                } else if let Some(arguments) = next(at + 1) {
                    by_name(&name.to_string(), arguments, &line(), uses);
                }
            }
            TokenTree::Group(group) if around == Around::Markup && begins_with_tag(group) => {
                markup(group.stream(), place, uses)
            }
            TokenTree::Group(group) => stream(group.stream(), around, place, uses),
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
        at += 1;
    }
}

/// Calls with the name of something.
fn by_name(function: &str, arguments: &Group, place: &str, uses: &mut Uses<'_>) {
    let texts: Vec<_> = arguments.stream().into_iter().map(|token| text(&token)).collect();
    match (function, texts.as_slice()) {
        ("field", [.., Some(name)]) => uses.member_of_any(name, place),
        ("has_global", [Some(name)]) => {
            uses.global(name, "Window", place);
        }
        // `EventListener::new` and its like.
        ("listen" | "new" | "new_with_options" | "once", texts) => {
            for event in texts.iter().flatten() {
                uses.event(event, place);
            }
        }
        ("object", _) => uses.options.extend(keys(arguments)),
        ("set_attribute" | "toggle_attribute", [Some(name), ..]) => attribute("", name, None, place, uses),
        _ => {}
    }
}

/// `a` and `b` of `object([("a", …), ("b", …)])`.
fn keys(arguments: &Group) -> Vec<String> {
    let inner = |token: &TokenTree| group(Some(token)).map(|group| group.stream().into_iter().collect::<Vec<_>>());
    let lists = arguments
        .stream()
        .into_iter()
        .filter_map(|token| inner(&token))
        .flatten();
    let pairs = lists.filter_map(|token| inner(&token));
    pairs.filter_map(|pair| text(pair.first()?)).collect()
}

/// The tags of a macro's body. What stands between braces is Rust again.
fn markup(tokens: TokenStream, place: &str, uses: &mut Uses<'_>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_mark =
        |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == wanted);
    let mut current = None;
    let mut seen = BTreeSet::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let line = format!("{place}:{}", token.span().start().line);
        match (token, &current) {
            (TokenTree::Punct(mark), None) if mark.as_char() == '<' => {
                let (name, length) = dashed(&tokens[at + 1..]);
                at += length;
                if is_mark(at + 1, '@') {
                    // An element whose name is computed.
                    current = Some("@".to_owned());
                } else if is_mark(at + 1, ':') || name.starts_with(|first: char| first.is_ascii_uppercase()) {
                    // A component: its attributes are its own.
                    current = Some(String::new());
                } else {
                    if seen.insert(name.clone()) {
                        element(&name, &line, uses);
                    }
                    current = Some(name);
                }
            }
            (TokenTree::Punct(mark), Some(_)) if mark.as_char() == '>' => current = None,
            (TokenTree::Ident(_), Some(tag)) => {
                let (name, length) = dashed(&tokens[at..]);
                at += length - 1;
                if is_mark(at + 1, '=') && !tag.is_empty() {
                    let value = tokens.get(at + 2).and_then(text);
                    attribute(tag, &name, value.as_deref(), &line, uses);
                }
            }
            (TokenTree::Group(group), tag) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                let is_value = at > 0 && is_mark(at - 1, '=');
                match (tag, inner.as_slice()) {
                    // `{class}` is short for `class={class}`.
                    (Some(tag), [TokenTree::Ident(name)]) if !is_value && !tag.is_empty() => {
                        attribute(tag, &name.to_string(), None, &line, uses);
                    }
                    _ if begins_with_tag(group) => markup(group.stream(), place, uses),
                    _ => stream(group.stream(), Around::Markup, place, uses),
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// A name with dashes in it, and how many tokens it has.
fn dashed(tokens: &[TokenTree]) -> (String, usize) {
    let mut name = String::new();
    let mut was_word = false;
    for (length, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if !was_word => name += word.to_string().trim_start_matches("r#"),
            TokenTree::Punct(mark) if was_word && mark.as_char() == '-' && mark.spacing() == Spacing::Alone => {
                name.push('-')
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Group(_) | TokenTree::Literal(_) => {
                return (name, length);
            }
        }
        was_word = !was_word;
    }
    (name, tokens.len())
}

fn group(token: Option<&TokenTree>) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) => Some(group),
        _ => None,
    }
}

fn begins_with_tag(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Brace && matches!(first, Some(TokenTree::Punct(mark)) if mark.as_char() == '<')
}

/// The content of a plain string.
fn text(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else {
        return None;
    };
    let literal = literal.to_string();
    Some(literal.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// Whether an attribute says that what comes next is only there in tests.
fn is_test(attribute: Option<&TokenTree>) -> bool {
    let words = group(attribute).map(|group| group.stream().to_string().replace(' ', ""));
    words.is_some_and(|words| words == "cfg(test)")
}

/// Behind the item whose attributes begin here: behind its body or its semicolon.
fn behind_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    let length = tokens[at..].iter().position(is_end);
    length.map_or(tokens.len(), |length| at + length + 1)
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::small;
    use super::*;

    fn found(scan: impl FnOnce(&mut Uses<'_>)) -> Vec<String> {
        let data = small();
        let mut uses = Uses::new(&data, &["Navigator"]);
        scan(&mut uses);
        uses.found
            .into_iter()
            .map(|used| format!("{}: {}", used.place, used.any_of[0]))
            .collect()
    }

    #[test]
    fn elements_attributes_and_scripts_of_a_page_are_found() {
        let html = "<!doctype html><!-- <dialog> --><dialog closedby=any><input type='week'/></dialog>
            <link rel=modulepreload href=/a><script>1 > 0 && structuredClone('<dialog>')</script><P popover>";
        assert_eq!(
            found(|uses| page(html, "p", uses)),
            [
                "p: html.elements.dialog",
                "p: html.elements.dialog.closedby",
                "p: html.elements.input",
                "p: html.elements.input.type_week",
                "p: html.elements.link",
                "p: html.elements.link.rel",
                "p: html.elements.link.rel.modulepreload",
                "a script in p: api.structuredClone",
                "p: html.global_attributes.popover",
            ]
        );
    }

    #[test]
    fn markup_and_names_in_rust_are_found() {
        let source = r#"
            fn view() -> Html {
                let share = field(&navigator, "setAppBadge");
                listen("scrollend");
                html! {
                    <dialog {popover} aria-label="a > b" closedby="any" onclick={move |_| a > b}>
                        { if a < b { html! { <button class="c" /> } } else { html! {} } }
                        if a { if b { <input type="week" /> } }
                        <Component popover="d" /><module::Component /><path class={e} />
                    </dialog>
                }
            }
            #[cfg(test)]
            #[cfg(target_arch = "wasm32")]
            mod tests { fn f() { html! { <input /> } } }
            fn last() { element.set_attribute("popover", "auto"); has_global("structuredClone") }
        "#;
        assert_eq!(
            found(|uses| rust(source, "r", uses).unwrap()),
            [
                "r:3: api.Navigator.setAppBadge",
                "r:4, as `scrollend` of an unknown type: api.Window.scrollend_event",
                "r:6: html.elements.dialog",
                "r:6: html.global_attributes.popover",
                "r:6: html.elements.dialog.closedby",
                "r:6, as `click` of an unknown type: api.HTMLElement.click_event",
                "r:7: html.elements.button",
                "r:7: html.global_attributes.class",
                "r:8: html.elements.input",
                "r:8: html.elements.input.type_week",
                "r:9: svg.elements.path",
                "r:9: svg.global_attributes.class",
                "r:16: html.global_attributes.popover",
                "r:16: api.structuredClone",
            ]
        );
    }
}
