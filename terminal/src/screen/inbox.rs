//! What a visit hands to the screen: what is to be told, and that something has changed.
//!
//! Overflow: past [`NOTES_MAX`] reports that wait, the oldest go, as they would among the notes. Messages are not handed over, for the room has them.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use shared::FileId;
use tokio::sync::Notify;

use super::state::Action;
use crate::{
    config::{FILES_NUMBERED_MAX, NOTES_MAX},
    report::{FileReport, Report},
};

/// What a visit hands to the screen. Cheap to clone: all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Rc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    reports: RefCell<VecDeque<Report>>,
    numbers: RefCell<VecDeque<(FileId, usize)>>,
    changed: Notify,
}

impl Inbox {
    /// The room has changed.
    pub fn nudge(&self) {
        self.0.changed.notify_one();
    }

    /// Something is to be told.
    pub fn push(&self, report: &Report) {
        if let Report::Message(message) = report {
            if let Some(file) = &message.file {
                self.note_number(file);
            }
        } else {
            if let Report::File(file) = report {
                self.note_number(file);
            }
            let mut reports = self.0.reports.borrow_mut();
            reports.push_back(report.clone());
            if reports.len() > NOTES_MAX {
                reports.pop_front();
            }
        }
        self.nudge();
    }

    fn note_number(&self, file: &FileReport) {
        if let Ok(id) = file.id.parse() {
            let mut numbers = self.0.numbers.borrow_mut();
            numbers.push_back((id, file.number));
            if numbers.len() > FILES_NUMBERED_MAX {
                numbers.pop_front();
            }
        }
    }

    /// Until something waits, or the room has changed.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// All that waits.
    pub(super) fn take(&self) -> Vec<Action> {
        let numbers = std::mem::take(&mut *self.0.numbers.borrow_mut());
        let reports = std::mem::take(&mut *self.0.reports.borrow_mut());
        let numbers = numbers.into_iter().map(|(file, number)| Action::Numbered(file, number));
        let reports = reports.into_iter().map(|report| Action::Report(Box::new(report)));
        numbers.chain(reports).collect()
    }
}
