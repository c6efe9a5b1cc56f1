//! The few icons of the page, drawn in a 24 × 24 box with one stroke width, so that they look like one hand made them.

use yew::prelude::*;

/// An icon. Each stands beside words or an accessible name, and is hidden from assistive technology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// To everyone: a paper plane.
    Send,
    /// To one person: a feather.
    Whisper,
    /// A chain link.
    Link,
    /// A door.
    Leave,
    /// Two heads.
    People,
    /// An arrow down.
    Down,
    /// A cross.
    Close,
    /// A triangle.
    Warning,
    /// A circled i.
    Info,
    /// A padlock.
    Lock,
    /// A globe: open to everyone.
    Open,
    /// A plus.
    Plus,
    /// Three dots.
    More,
    /// A pen.
    Pen,
    /// A sun.
    Sun,
    /// A clock.
    Clock,
    /// A paper clip.
    Clip,
    /// An arrow back.
    Reply,
    /// A pin.
    Pin,
    /// An arrow on.
    Forward,
    /// Two sheets.
    Copy,
    /// A bin.
    Bin,
    /// A magnifying glass.
    Search,
    /// A bell.
    Bell,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Send => "M4 12 20 4l-5 16-4-6.5zM11 13.500 20 4",
            Self::Whisper => "M20 4C11 4 6 9 6 16m0 0c7 1 13-3 14-12M6 16l-2 4M9 13l6-4",
            Self::Link => {
                "M10 14a4 4 0 0 0 5.700 0l3.100-3.100a4 4 0 0 0-5.700-5.700L12 6.300M14 10a4 4 0 0 0-5.700 0l-3.100 3.100a4 4 0 0 0 5.700 5.700l1.100-1.100"
            }
            Self::Leave => "M13 4H6v16h7M10 12h10m0 0-4-4m4 4-4 4",
            Self::People => {
                "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 20c.500-4 3-6 6.500-6s6 2 6.500 6M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c2 .800 3.200 2.700 3.500 5.500"
            }
            Self::Search => "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM15.500 15.500 20 20",
            Self::Bell => "M6 17V11a6 6 0 0 1 12 0v6M4 17h16M10.500 20h3",
            Self::Bin => "M5 7h14M10 4h4M7 7l1 13h8l1-13",
            Self::Down => "M12 5v14m0 0-6-6m6 6 6-6",
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::Warning => "M12 4 2.800 20h18.400zM12 10v4.500m0 2.400v.100",
            Self::Info => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.500M12 7.600v.100",
            Self::Lock => "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
            Self::Open => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
            Self::Plus => "M12 5v14M5 12h14",
            Self::More => {
                "M4.500 12a.500.500 0 1 0 1 0 .500.500 0 1 0-1 0m7 0a.500.500 0 1 0 1 0 .500.500 0 1 0-1 0m7 0a.500.500 0 1 0 1 0 .500.500 0 1 0-1 0"
            }
            Self::Pen => "M4 20l1-5L16 4l4 4L9 19zM13 7l4 4",
            Self::Clip => {
                "M20 11.500 12 19.500a5 5 0 0 1-7-7l8.500-8.500a3.300 3.300 0 0 1 4.700 4.700L9.700 17.200a1.700 1.700 0 0 1-2.400-2.400L15 7"
            }
            Self::Reply => "M9 6 3.500 11.500 9 17M4 11.500h9c4 0 6.500 2 7 6.500",
            Self::Pin => "M9 4h6M10 4v6l-4 4h12l-4-4V4M12 14v6.500",
            Self::Forward => "M15 6 20.500 11.500 15 17M20 11.500h-9c-4 0-6.500 2-7 6.500",
            Self::Copy => "M9 9h11v11H9zM15 9V4H4v11h5",
            Self::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.500l3.500 2",
            Self::Sun => {
                "M12 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.500 1.500m11 11L19 19M5 19l1.500-1.500m11-11L19 5"
            }
        }
    }
}

/// Draws an icon. A function like the other parts without state: a component of its own would cost a kilobyte of download.
pub fn glyph(icon: Icon) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d={icon.path()} /></svg>
    }
}
