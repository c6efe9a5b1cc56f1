//! How this browser has the page: by day or by night, how large its text is, whether small pictures come by themselves, by what way others reach it,
//! when and how it tells of something, and what is folded up.
//!
//! Owns: these settings, in the browser's local storage. The script in `index.html` follows the first two, before anything is painted
//! and in every tab.

use client::telling::Quiet;
use mesh::io::TransportPolicy;
use web_sys::Event;

use crate::js;

/// Something that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Light or dark.
    Theme,
    /// The size of all text.
    Text,
    /// Whether small pictures are fetched before the person asks for them.
    Pictures,
    /// By what way others reach this page.
    Reach,
    /// What notifications show.
    Words,
    /// Whether notifications have a sound of ours.
    Sound,
    /// Whether others see that the person is typing, and the person that they are.
    Typing,
}

impl Setting {
    /// What it is stored under.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Theme => "starling theme",
            Self::Text => "starling text",
            Self::Pictures => "starling pictures",
            Self::Reach => "starling reach",
            Self::Words => "starling words",
            Self::Sound => "starling sound",
            Self::Typing => "starling typing",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Theme => "Theme",
            Self::Text => "Text size",
            Self::Pictures => "Small pictures",
            Self::Reach => "How others reach you",
            Self::Words => "They show",
            Self::Sound => "Sound",
            Self::Typing => "That somebody is typing",
        }
    }

    /// What it can be, the first unless chosen: as it is stored, and as it is called.
    #[must_use]
    pub const fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Theme => &[("", "Like this device"), ("light", "Light"), ("dark", "Dark")],
            Self::Text => &[("", "Normal"), ("large", "Large"), ("larger", "Larger")],
            Self::Pictures => &[("", "Download by themselves"), ("ask", "Ask first")],
            Self::Reach => &[("", "Directly"), ("relay", "Only through a relay")],
            Self::Typing => &[("", "Show and tell"), ("off", "Neither show nor tell")],
            Self::Sound => &[("", "As this device has it"), ("on", "A chirp")],
            Self::Words => &[("", "Who wrote, and what"), ("hidden", "Only that something was said")],
        }
    }
}

/// What was chosen.
#[must_use]
pub fn get(setting: Setting) -> String {
    js::kept(setting.key())
}

/// Keeps what was chosen, and has it shown.
pub fn set(setting: Setting, value: &str) {
    js::keep(setting.key(), value);
    // Other tabs hear it from the browser.
    if let Ok(event) = Event::new("storage") {
        let _ = js::window().dispatch_event(&event);
    }
}

/// Whether others see that the person is typing, and the person that they are.
#[must_use]
pub fn is_typing_told() -> bool {
    get(Setting::Typing).is_empty()
}

const QUIET: &str = "starling quiet";

/// From when to when nothing is told, as it was chosen.
pub(crate) fn quiet_hours() -> [String; 2] {
    let kept = js::kept(QUIET);
    let (from, to) = kept.split_once('-').unwrap_or_default();
    [from, to].map(str::to_owned)
}

/// Keeps from when to when nothing is told.
pub(crate) fn set_quiet_hours([from, to]: &[String; 2]) {
    let is_none = from.is_empty() && to.is_empty();
    js::keep(QUIET, &if is_none { String::new() } else { format!("{from}-{to}") });
}

/// Whether nothing is told now.
pub(crate) fn is_quiet() -> bool {
    let now = js_sys::Date::new_0();
    let minute = u16::try_from(now.get_hours() * 60 + now.get_minutes()).unwrap_or_default();
    Quiet::read(&js::kept(QUIET)).is_some_and(|quiet| quiet.has(minute))
}

/// By which candidates this page can be reached, from the next time that it comes into a room.
#[must_use]
pub fn transport_policy() -> TransportPolicy {
    if get(Setting::Reach).is_empty() {
        TransportPolicy::All
    } else {
        TransportPolicy::Relay
    }
}

const NETWORK: &str = "starling network";
const FOLDED: &str = "folded";

/// Whether the region "Network" was folded up last.
#[must_use]
pub fn is_network_folded() -> bool {
    js::kept(NETWORK) == FOLDED
}

/// Keeps whether the region "Network" is folded up.
pub fn fold_network(is_folded: bool) {
    js::keep(NETWORK, if is_folded { FOLDED } else { "" });
}
