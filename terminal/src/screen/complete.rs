//! Completes names of people and of commands.

use mesh::model::PersonState;

use super::state::State;
use crate::line::command::NAMES;

/// What Tab has begun, and goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Completion {
    /// Where in the draft it begins.
    start: usize,
    /// What can stand there.
    candidates: Vec<String>,
    /// Which of them stands there.
    current: usize,
}

/// Completes what stands before the cursor; pressed again, puts the next possibility there.
pub(super) fn complete(state: &mut State) {
    let completion = match state.completion.take() {
        Some(mut before) => {
            before.current = (before.current + 1) % before.candidates.len();
            Some(before)
        }
        None => begin(state),
    };
    if let Some(completion) = completion {
        let text = &completion.candidates[completion.current];
        state.composer.draft.replace_from(completion.start, text);
        state.completion = Some(completion);
    }
}

fn begin(state: &State) -> Option<Completion> {
    let (before, _) = state.composer.draft.around();
    let (start, candidates) = if let Some(command) = before.strip_prefix('/') {
        match command.split_once(char::is_whitespace) {
            None => {
                let names = NAMES.iter().filter(|name| name.starts_with(command));
                (0, names.map(|name| format!("/{name} ")).collect())
            }
            Some(("whisper" | "w" | "msg", rest)) => {
                let begun = rest.trim_start().trim_start_matches('"');
                let start = before.len() - rest.trim_start().len();
                let names = names(state, begun).into_iter();
                let quoted = |name: String| match name.contains(char::is_whitespace) {
                    true => format!("\"{name}\" "),
                    false => name + " ",
                };
                (start, names.map(quoted).collect::<Vec<_>>())
            }
            Some(_) => return None,
        }
    } else {
        let start = before.rfind(char::is_whitespace);
        let start = start.map_or(0, |space| {
            space + before[space..].chars().next().map_or(0, char::len_utf8)
        });
        let end = if start == 0 { ": " } else { " " };
        let begun = &before[start..];
        let names = if begun.is_empty() {
            Vec::new()
        } else {
            names(state, begun)
        };
        (start, names.into_iter().map(|name| name + end).collect())
    };
    let completion = Completion {
        start,
        candidates,
        current: 0,
    };
    (!completion.candidates.is_empty()).then_some(completion)
}

/// What those can be called whose name begins so, those first who are here.
fn names(state: &State, begun: &str) -> Vec<String> {
    let begun = begun.to_lowercase();
    let (people, _) = state.room.people_in_order();
    let mut names: Vec<_> = people
        .iter()
        .filter(|person| person.name.is_some())
        .map(|person| (person.state != PersonState::Here, state.room.name_of(&person.peer)))
        .filter(|(_, name)| name.to_lowercase().starts_with(&begun))
        .collect();
    names.sort_by_key(|(is_away, _)| *is_away);
    names.into_iter().map(|(_, name)| name).collect()
}
