//! The days of the log, by the person's clock and in their language.
//!
//! Messages stand in the order of the room, whose time never runs back; the clocks of their authors may. So a day begins where the room's time says so, once,
//! and a message whose author's clock says another day has the date with its own time.

use client::words::page;
use js_sys::{Array, Date, Intl::DateTimeFormat};
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::{config::DATE_MILLIS_MAX, js};

/// A day where the person is, from midnight to midnight, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    start: f64,
    end: f64,
}

impl Day {
    /// The day of a moment, if a clock can show it.
    #[must_use]
    pub fn of(unix_millis: u64) -> Option<Self> {
        date(unix_millis).map(|date| Self::around(&date))
    }

    /// The day that it is.
    #[must_use]
    pub fn today() -> Self {
        Self::around(&Date::new_0())
    }

    fn around(date: &Date) -> Self {
        date.set_hours(0);
        date.set_minutes(0);
        date.set_seconds(0);
        let start = date.set_milliseconds(0);
        // Not every day has 24 hours.
        let end = date.set_date(date.get_date() + 1);
        Self { start, end }
    }

    /// Whether a moment is on this day.
    #[must_use]
    pub fn has(&self, unix_millis: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and no day is beyond that")]
        let millis = unix_millis as f64;
        (self.start..self.end).contains(&millis)
    }

    fn is_before(&self, other: &Self) -> bool {
        self.end == other.start
    }

    /// What tells it from other days of a list.
    #[must_use]
    pub fn key(&self) -> String {
        self.start.to_string()
    }
}

/// A moment as the browser has it, if it can.
pub(super) fn date(unix_millis: u64) -> Option<Date> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact below 2^53, and the last moment is below that"
    )]
    let millis = unix_millis as f64;
    (unix_millis <= DATE_MILLIS_MAX).then(|| Date::new(&JsValue::from_f64(millis)))
}

/// Properties of [`DaySeparator`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct DaySeparatorProps {
    /// The day that begins.
    pub day: Day,
    /// The day that it is.
    pub today: Day,
}

/// The line over the messages of a day.
#[component]
pub fn DaySeparator(props: &DaySeparatorProps) -> Html {
    let DaySeparatorProps { day, today } = props;
    let (name, lang) = if day == today {
        (page::TODAY.to_owned(), None)
    } else if day.is_before(today) {
        (page::YESTERDAY.to_owned(), None)
    } else {
        in_words(day)
    };
    html! {
        <div role="separator" class="day" aria-label={name.clone()} {lang}>{ name }</div>
    }
}

/// The date as people write it where the person is, and in which language that is.
fn in_words(day: &Day) -> (String, Option<String>) {
    // With no locale named, the browser takes the person's.
    let format = DateTimeFormat::new(&Array::new(), &js::object([("dateStyle", "full".into())]));
    let date = Date::new(&JsValue::from_f64(day.start));
    // Fails only for a date that is none.
    let name = format.format().call1(&JsValue::UNDEFINED, &date).ok();
    let lang = js::field(&format.resolved_options(), "locale").and_then(|locale| locale.as_string());
    (name.and_then(|name| name.as_string()).unwrap_or_default(), lang)
}
