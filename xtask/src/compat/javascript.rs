//! Scripts: which globals, members, events, options and operators they use.
//!
//! The script is cut into tokens and not parsed. A name behind a dot is a member; what stands before the dots says of what, where it
//! is a global or `argN` of a known type. Names that the script declares itself are no globals: scopes are not told apart.

mod token;

pub(super) use token::{Token, tokens};

use super::config::OPERATORS;
use super::usage::Uses;
use std::collections::BTreeSet;
use token::KEYWORDS;

/// What the arguments of a function are whose members it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arguments<'a> {
    Unknown,
    /// Of this interface.
    Of(&'a str),
    /// Objects that are handed to other functions as options.
    Options,
}

/// What a script runs in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The interface of the global object: `Window`.
    pub(super) global: &'a str,
    /// What `arg0`, `arg1` … are.
    pub(super) arguments: Arguments<'a>,
    /// Where the script stands, for a person.
    pub(super) place: &'a str,
}

/// Records what a whole script uses.
pub(super) fn script(text: &str, scope: &Scope<'_>, uses: &mut Uses<'_>) {
    uses.piece(|uses| scan(&tokens(text), scope, uses));
}

/// Records what a piece of a script uses.
pub(super) fn scan(tokens: &[Token<'_>], scope: &Scope<'_>, uses: &mut Uses<'_>) {
    let declared = declared(tokens);
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| tokens[before]);
        match token {
            Token::Mark(mark) => {
                if let Some((_, operator)) = OPERATORS.iter().find(|(operator, _)| operator == mark) {
                    uses.note(&["javascript", "operators", operator], scope.place);
                }
                // Behind a call, an index or a text: nobody knows of what.
                let is_behind_value = matches!(
                    before,
                    Some(Token::Mark(")" | "]" | "}") | Token::Text(_) | Token::Pattern)
                );
                if is_dot(*token) && is_behind_value {
                    for member in chain(&tokens[at + 1..]) {
                        uses.member_of_any(member, scope.place);
                    }
                }
            }
            Token::Word(_) if before.is_some_and(is_dot) => {}
            Token::Word(word) => {
                let is_key = tokens.get(at + 1) == Some(&Token::Mark(":"));
                if is_key && matches!(before, Some(Token::Mark("{" | ","))) {
                    uses.options.insert((*word).to_owned());
                } else if !KEYWORDS.contains(word) {
                    let is_constructed = before == Some(Token::Word("new"));
                    chain_of_members(&chain(&tokens[at..]), is_constructed, scope, &declared, uses);
                }
                if *word == "addEventListener"
                    && let Some([Token::Mark("("), Token::Text(name)]) = tokens.get(at + 1..at + 3)
                {
                    uses.event(name, scope.place);
                }
            }
            Token::Text(_) | Token::Number | Token::Pattern => {}
        }
    }
    // The call of a member.
    for window in tokens.windows(4) {
        if let [
            dot,
            Token::Word("addEventListener"),
            Token::Mark("("),
            Token::Text(name),
        ] = window
            && is_dot(*dot)
        {
            uses.event(name, scope.place);
        }
    }
}

fn is_dot(token: Token<'_>) -> bool {
    matches!(token, Token::Mark("." | "?."))
}

/// The words from here on that dots join.
fn chain<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let mut words = Vec::new();
    let mut rest = tokens;
    while let [Token::Word(word), after @ ..] = rest {
        words.push(*word);
        match after {
            [dot, behind @ ..] if is_dot(*dot) => rest = behind,
            _ => break,
        }
    }
    words
}

fn chain_of_members(
    words: &[&str],
    is_constructed: bool,
    scope: &Scope<'_>,
    declared: &BTreeSet<&str>,
    uses: &mut Uses<'_>,
) {
    let place = scope.place;
    let Some((mut root, mut members)) = words.split_first() else {
        return;
    };
    let is_global = !declared.contains(root);
    if is_global && ["globalThis", "self", "window"].contains(root) {
        uses.note(&["javascript", "builtins", root], place);
        let Some((first, after)) = members.split_first() else {
            return;
        };
        (root, members) = (first, after);
    }
    let is_argument = root
        .strip_prefix("arg")
        .is_some_and(|number| number.parse::<u32>().is_ok());
    let mut interface = match scope.arguments {
        Arguments::Of(interface) if is_argument => Some(interface.to_owned()),
        Arguments::Options if is_argument => {
            uses.options.extend(members.iter().map(|name| (*name).to_owned()));
            return;
        }
        Arguments::Unknown | Arguments::Of(_) | Arguments::Options => {
            is_global.then(|| uses.global(root, scope.global, place)).flatten()
        }
    };
    if is_constructed && let Some(class) = &interface {
        let _ = uses.note(&["api", class, class], place) || uses.note(&["javascript", "builtins", class, class], place);
    }
    for member in members {
        match &interface {
            // What comes next is a member of each instance.
            Some(_) if *member == "prototype" => continue,
            Some(interface) => uses.member(interface, member, place),
            None => uses.member_of_any(member, place),
        }
        interface = None;
    }
}

/// The names that a script gives itself: variables, functions, classes, parameters.
fn declared<'a>(tokens: &[Token<'a>]) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word("const" | "let" | "var") => declare(&tokens[at + 1..], &mut names),
            // Both may come without a name.
            Token::Word("class" | "catch") if tokens.get(at + 1) != Some(&Token::Mark("{")) => {
                declare(&tokens[at + 1..], &mut names);
            }
            Token::Word("function") => {
                let name = match tokens.get(at + 1) {
                    Some(Token::Word(name)) => {
                        names.insert(*name);
                        1
                    }
                    _ => 0,
                };
                declare(&tokens[at + 1 + name..], &mut names);
            }
            Token::Mark("=>") => match tokens[..at].last() {
                Some(Token::Word(name)) => {
                    names.insert(name);
                }
                Some(Token::Mark(")")) => declare(&tokens[opening(&tokens[..at])..], &mut names),
                _ => {}
            },
            Token::Word(_) | Token::Mark(_) | Token::Text(_) | Token::Number | Token::Pattern => {}
        }
    }
    names
}

/// A name, or all within the brackets that come next.
fn declare<'a>(tokens: &[Token<'a>], names: &mut BTreeSet<&'a str>) {
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::Mark("(" | "[" | "{") => depth += 1,
            Token::Mark(")" | "]" | "}") => depth = depth.saturating_sub(1),
            Token::Word(name) => {
                names.insert(name);
            }
            Token::Mark(_) | Token::Text(_) | Token::Number | Token::Pattern => {}
        }
        if depth == 0 {
            break;
        }
    }
}

/// Where the bracket was opened that the last token closes.
fn opening(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().rev() {
        match token {
            Token::Mark(")") => depth += 1,
            Token::Mark("(") => depth = depth.saturating_sub(1),
            Token::Mark(_) | Token::Word(_) | Token::Text(_) | Token::Number | Token::Pattern => {}
        }
        if depth == 0 {
            return at;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::small;
    use super::*;

    fn used(text: &str, interface: Option<&str>) -> Vec<String> {
        let data = small();
        let mut uses = Uses::new(&data, &[]);
        let scope = Scope {
            global: "Window",
            arguments: interface.map_or(Arguments::Unknown, Arguments::Of),
            place: "",
        };
        script(text, &scope, &mut uses);
        uses.found.into_iter().map(|used| used.any_of.join(" or ")).collect()
    }

    #[test]
    fn globals_and_their_members_are_found() {
        assert_eq!(used("structuredClone(x)", None), ["api.structuredClone"]);
        assert_eq!(used("self.structuredClone(x)", None), ["api.structuredClone"]);
        assert_eq!(
            used("Promise.try(f) ?? 'structuredClone'", None),
            [
                "javascript.builtins.Promise",
                "javascript.builtins.Promise.try_static",
                "javascript.operators.nullish_coalescing"
            ]
        );
        assert_eq!(
            used("(await caches.match(x)).at(1)", None),
            ["api.caches", "api.CacheStorage.match", "javascript.builtins.Array.at"]
        );
        assert_eq!(
            used(
                "addEventListener('scrollend', f); x.addEventListener(`icecandidate`, f, { signal: y })",
                None
            ),
            [
                "api.Window.scrollend_event",
                "api.EventTarget.addEventListener",
                "api.RTCPeerConnection.icecandidate_event",
                "api.EventTarget.addEventListener.options_parameter.options_signal_parameter",
            ]
        );
    }

    #[test]
    fn the_argument_of_an_import_has_a_known_type() {
        assert_eq!(
            used("arg0.sctp", Some("RTCPeerConnection")),
            ["api.RTCPeerConnection.sctp"]
        );
        assert_eq!(used("arg0.ours", Some("RTCPeerConnection")), [] as [&str; 0]);
    }

    #[test]
    fn own_names_are_no_globals() {
        for text in [
            "const structuredClone = 1; structuredClone",
            "({ structuredClone }) => structuredClone()",
            "function f(structuredClone) { structuredClone() }",
            "structuredClone => structuredClone",
            "f({ structuredClone: 1 })",
        ] {
            assert_eq!(used(text, None), [] as [&str; 0], "{text}");
        }
    }
}
