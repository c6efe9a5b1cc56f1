//! What each key does.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a terminal has many keys, and most of them do nothing here"
)]

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    complete::complete,
    draft::{Draft, Reach, Way},
    panel, scroll,
    search::Search,
    sheet::{Content, Sheet},
    state::{Effect, Focus, Panel, State},
    view,
};
use crate::{
    line::command::{Addressed, Command},
    run::Typed,
};

/// Does what a key is for.
pub(super) fn on_key(state: &mut State, key: KeyEvent) -> Option<Effect> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let is_leaving = std::mem::take(&mut state.leaving);
    if key.code != KeyCode::Tab {
        state.completion = None;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('z') if is_control => return Some(Effect::Suspend),
        KeyCode::Char('l') if is_control => return Some(Effect::Redraw),
        KeyCode::Char('c') if is_control => return on_interrupt(state, is_leaving),
        KeyCode::F(1) => toggle_sheet(state, Sheet::new(Content::Help)),
        KeyCode::F(5) => {
            let map = Sheet::map(state);
            toggle_sheet(state, map);
        }
        KeyCode::F(2) => toggle_panel(state, Panel::People),
        KeyCode::Char('t') if is_control => toggle_panel(state, Panel::People),
        KeyCode::F(3) => toggle_panel(state, Panel::Files),
        KeyCode::F(4) => toggle_panel(state, Panel::Network),
        KeyCode::Esc => on_escape(state),
        KeyCode::Char('f') if is_control && state.search.is_none() => {
            state.sheet = None;
            state.search = Some(Search::default());
        }
        KeyCode::PageUp | KeyCode::PageDown | KeyCode::Home | KeyCode::End
            if is_control || matches!(key.code, KeyCode::PageUp | KeyCode::PageDown) =>
        {
            on_scroll(state, key.code);
        }
        KeyCode::Up | KeyCode::Down if state.sheet.is_some() => on_scroll(state, key.code),
        KeyCode::Enter if state.sheet.is_some() => state.sheet = None,
        _ => {
            state.sheet = None;
            return on_typing(state, key);
        }
    }
    None
}

/// Takes what was pasted. It is never sent by itself.
pub(super) fn on_paste(state: &mut State, text: &str) {
    state.sheet = None;
    state.completion = None;
    match &mut state.search {
        Some(search) => {
            search.draft.paste(text.lines().next().unwrap_or_default());
            look(state);
        }
        None => state.composer.draft.paste(text),
    }
}

fn on_interrupt(state: &mut State, is_leaving: bool) -> Option<Effect> {
    if state.search.take().is_some() {
        return None;
    }
    if !state.composer.draft.is_empty() {
        state.composer.draft = Draft::default();
        return None;
    }
    if is_leaving {
        return Some(quit());
    }
    state.leaving = true;
    None
}

fn quit() -> Effect {
    Effect::Type {
        typed: Typed::Command(Command::Quit),
        text: String::new(),
    }
}

fn toggle_sheet(state: &mut State, sheet: Sheet) {
    let is_same = state.sheet.as_ref().is_some_and(|known| known.title() == sheet.title());
    state.sheet = (!is_same).then_some(sheet);
}

fn toggle_panel(state: &mut State, panel: Panel) {
    state.sheet = None;
    if state.panel == panel && state.focus == Focus::Panel {
        state.panel = Panel::Hidden;
        state.focus = Focus::Composer;
    } else {
        state.panel = panel;
        state.focus = Focus::Panel;
        state.chosen = 0;
    }
}

/// Goes back by one step.
fn on_escape(state: &mut State) {
    if let Some(sheet) = state.sheet.take() {
        // It was the key for help, and not the beginning of a text.
        if sheet.content == Content::Help && state.composer.draft.text() == "?" {
            state.composer.draft = Draft::default();
        }
    } else if state.search.is_some() {
        state.search = None;
    } else if state.focus == Focus::Panel {
        state.focus = Focus::Composer;
    } else if state.anchor.is_some() {
        state.anchor = None;
    } else if state.composer.draft.is_empty() {
        state.composer.write_to(None);
    }
}

fn on_scroll(state: &mut State, code: KeyCode) {
    let page = usize::from(view::of(state).middle.height).saturating_sub(1).max(1);
    if let Some(mut sheet) = state.sheet.take() {
        let columns = usize::from(state.size.width).max(1);
        let last = sheet.rows(state, columns).len().saturating_sub(page);
        sheet.scrolled = match code {
            KeyCode::Up => sheet.scrolled.saturating_sub(1),
            KeyCode::Down => (sheet.scrolled + 1).min(last),
            KeyCode::PageUp => sheet.scrolled.saturating_sub(page),
            KeyCode::PageDown => (sheet.scrolled + page).min(last),
            KeyCode::Home => 0,
            _ => last,
        };
        state.sheet = Some(sheet);
        return;
    }
    match code {
        KeyCode::PageUp => scroll::back(state, page),
        KeyCode::PageDown => scroll::forward(state, page),
        KeyCode::Home => scroll::to_oldest(state),
        _ => state.anchor = None,
    }
}

/// A key that goes to what has the focus.
fn on_typing(state: &mut State, key: KeyEvent) -> Option<Effect> {
    if state.search.is_some() {
        on_search_key(state, key);
        return None;
    }
    if state.focus == Focus::Panel {
        let last = panel::choices(state).saturating_sub(1);
        match key.code {
            KeyCode::Up => {
                state.chosen = state.chosen.min(last).saturating_sub(1);
                return None;
            }
            KeyCode::Down => {
                state.chosen = (state.chosen + 1).min(last);
                return None;
            }
            KeyCode::Enter => return panel::choose(state),
            _ => state.focus = Focus::Composer,
        }
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    let is_alt = key.modifiers.contains(KeyModifiers::ALT);
    let draft = &mut state.composer.draft;
    match key.code {
        KeyCode::Enter if is_alt || key.modifiers.contains(KeyModifiers::SHIFT) => draft.insert("\n"),
        KeyCode::Char('j') if is_control => draft.insert("\n"),
        KeyCode::Enter => return send(state),
        KeyCode::Tab => complete(state),
        KeyCode::Char('d') if is_control && draft.is_empty() => return Some(quit()),
        KeyCode::Up => on_line(state, Way::Back),
        KeyCode::Down => on_line(state, Way::Forward),
        KeyCode::Char('p') if is_control => on_line(state, Way::Back),
        KeyCode::Char('n') if is_control => on_line(state, Way::Forward),
        KeyCode::Char('?') if draft.is_empty() => {
            draft.insert("?");
            state.sheet = Some(Sheet::new(Content::Help));
        }
        _ => edit(draft, key),
    }
    None
}

fn on_line(state: &mut State, way: Way) {
    if !state.composer.draft.go_line(way) {
        state.composer.recall(way);
    }
}

fn on_search_key(state: &mut State, key: KeyEvent) {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    let Some(search) = &mut state.search else { return };
    match key.code {
        KeyCode::Enter | KeyCode::Up => search.go_older(),
        KeyCode::Down => search.go_newer(),
        KeyCode::Char('f') if is_control => search.go_older(),
        KeyCode::Char('j') if is_control => {}
        _ => {
            edit(&mut search.draft, key);
            look(state);
            return;
        }
    }
    go_to_found(state);
}

fn look(state: &mut State) {
    if let Some(search) = &mut state.search {
        search.update(&state.room);
    }
    go_to_found(state);
}

fn go_to_found(state: &mut State) {
    let place = state.search.as_ref().and_then(Search::current_place);
    match place {
        Some(place) => scroll::to(state, place),
        None => state.anchor = None,
    }
}

/// Moves in a draft and changes it, as in a shell.
fn edit(draft: &mut Draft, key: KeyEvent) {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    let is_alt = key.modifiers.contains(KeyModifiers::ALT);
    let reach = if is_control || is_alt {
        Reach::Word
    } else {
        Reach::Cluster
    };
    match key.code {
        KeyCode::Left => draft.go(Way::Back, reach),
        KeyCode::Right => draft.go(Way::Forward, reach),
        KeyCode::Home => draft.go(Way::Back, Reach::Line),
        KeyCode::End => draft.go(Way::Forward, Reach::Line),
        KeyCode::Backspace => draft.remove(Way::Back, reach),
        KeyCode::Delete => draft.remove(Way::Forward, reach),
        KeyCode::Char(letter) if is_control && !is_alt => match letter {
            'a' => draft.go(Way::Back, Reach::Line),
            'e' => draft.go(Way::Forward, Reach::Line),
            'b' => draft.go(Way::Back, Reach::Cluster),
            'h' => draft.remove(Way::Back, Reach::Cluster),
            'd' => draft.remove(Way::Forward, Reach::Cluster),
            'w' => draft.remove(Way::Back, Reach::Word),
            'u' => draft.remove(Way::Back, Reach::Line),
            'k' => draft.remove(Way::Forward, Reach::Line),
            _ => {}
        },
        KeyCode::Char(letter) if is_alt && !is_control => match letter {
            'b' => draft.go(Way::Back, Reach::Word),
            'f' => draft.go(Way::Forward, Reach::Word),
            'd' => draft.remove(Way::Forward, Reach::Word),
            '<' => draft.go(Way::Back, Reach::Text),
            '>' => draft.go(Way::Forward, Reach::Text),
            _ => {}
        },
        KeyCode::Char(letter) => draft.insert(letter.encode_utf8(&mut [0; 4])),
        _ => {}
    }
}

/// Sends what was typed, to whom it was typed for.
fn send(state: &mut State) -> Option<Effect> {
    let line = state.composer.draft.text();
    let mut typed = Typed::line(line)?;
    match &typed {
        Typed::Command(Command::Help) => {
            state.composer.take();
            state.sheet = Some(Sheet::new(Content::Help));
            return None;
        }
        Typed::Command(Command::Search { text }) => {
            let draft = Draft::new(text.clone());
            state.composer.take();
            state.search = Some(Search {
                draft,
                ..Search::default()
            });
            look(state);
            return None;
        }
        Typed::Command(Command::Say { text }) => {
            if let Some(to) = state.composer.to {
                let (name, text) = (to.to_text(), text.clone());
                let whisper = Addressed::To { name, text };
                typed = Typed::Command(Command::Whisper { whisper });
            }
        }
        Typed::Command(_) | Typed::Unreadable(_) => {}
    }
    let text = state.composer.take();
    // Whoever says something wants to see what comes of it.
    state.anchor = None;
    state.unread = state.unread.filter(|unread| !unread.seen);
    Some(Effect::Type { typed, text })
}
