//! The days of the log, by the person's clock and in their language.
//!
//! Messages stand in the order of the room, whose time never runs back; the clocks of their authors may. So a day begins where the room's time says so, once,
//! and a message whose author's clock says another day has the date with its own time.

use std::cell::OnceCell;

use client::words::page;
use js_sys::{Array, Date, Intl::DateTimeFormat};
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::{config::DATE_MILLIS_MAX, js};

/// A day where the person is, from midnight to midnight, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Day {
    start: f64,
    end: f64,
}

impl Day {
    /// The day of a moment, if a clock can show it.
    pub(super) fn of(unix_millis: u64) -> Option<Self> {
        date(unix_millis).map(|date| Self::around(&date))
    }

    fn around(date: &Date) -> Self {
        let midnight = |later: u32| {
            let (year, month, day) = (date.get_full_year(), date.get_month(), date.get_date() + later);
            Date::new_with_year_month_day(year, month.cast_signed(), day.cast_signed()).get_time()
        };
        // Not every day has 24 hours.
        let (start, end) = (midnight(0), midnight(1));
        Self { start, end }
    }

    /// Whether a moment is on this day.
    pub(super) fn has(&self, unix_millis: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and no day is beyond that")]
        let millis = unix_millis as f64;
        (self.start..self.end).contains(&millis)
    }

    /// What tells it from other days of a list.
    fn key(&self) -> String {
        // Whole: to write fractions would bring much of the standard library.
        #[expect(clippy::cast_possible_truncation, reason = "no moment of a clock is beyond 2^53")]
        let start = self.start as i64;
        start.to_string()
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

/// The day that it is, and how days are written where the person is.
#[derive(Debug)]
pub(super) struct Calendar {
    today: Day,
    /// Once a day is written.
    format: OnceCell<DateTimeFormat>,
}

impl Default for Calendar {
    fn default() -> Self {
        let (today, format) = (Day::around(&Date::new_0()), OnceCell::new());
        Self { today, format }
    }
}

impl Calendar {
    /// The line over the messages of a day.
    pub(super) fn separator(&self, day: &Day) -> Html {
        let (name, lang) = if *day == self.today {
            (page::TODAY.to_owned(), None)
        } else if day.end == self.today.start {
            (page::YESTERDAY.to_owned(), None)
        } else {
            self.in_words(day)
        };
        html! { <div key={day.key()} role="separator" class="day" aria-label={name.clone()} {lang}>{ name }</div> }
    }

    /// The date as people write it where the person is, and in which language that is.
    fn in_words(&self, day: &Day) -> (String, Option<String>) {
        let format = self.format.get_or_init(|| {
            // With no locale named, the browser takes the person's.
            DateTimeFormat::new(&Array::new(), &js::object([("dateStyle", "full".into())]))
        });
        // Fails only for a moment that is none.
        let name = format.format().call1(&JsValue::UNDEFINED, &day.start.into()).ok();
        let lang = js::field(&format.resolved_options(), "locale").and_then(|locale| locale.as_string());
        (name.and_then(|name| name.as_string()).unwrap_or_default(), lang)
    }
}
