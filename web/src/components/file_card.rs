//! A file that somebody offered.

use client::{
    files::{Progress, preview, shown_name},
    room::RoomState,
    words::{files, label},
};
use mesh::model::{FileInfo, FileState};
use yew::prelude::*;

use super::{
    element::{button, words},
    icon::{Icon, glyph},
    preview::FilePreview,
};
use crate::later::{Part, use_later};

/// What the person wants of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAction {
    /// To have it, or the rest of it.
    Fetch,
    /// To have no more of it for now.
    Pause,
    /// To have nothing of it.
    Cancel,
    /// To have it outside of the page.
    Save,
}

/// Where a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the message that offers it.
    Message,
    /// Among all files of the room: what is kept can be removed there.
    List,
}

/// Properties of [`FileCard`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct FileCardProps {
    /// The file.
    pub info: FileInfo,
    /// How far it got.
    pub progress: Option<Progress>,
    /// Whether we offered it.
    pub own: bool,
    /// Something is wanted of it.
    pub on_file: Callback<(FileInfo, FileAction)>,
}

/// A file in the message that offers it. Until the later part is there, only what the file is called.
#[component]
pub fn FileCard(props: &FileCardProps) -> Html {
    match use_later(Some(())).part() {
        Some(part) => later_file_card(part, props),
        None => html! { <div class="file"><bdi class="file-name">{ shown_name(&props.info.name) }</bdi></div> },
    }
}

#[inline(never)]
fn later_file_card(_: Part, props: &FileCardProps) -> Html {
    let place = (Place::Message, props.own);
    file_card(&props.info, props.progress.as_ref(), place, &props.on_file)
}

/// A file, how far it got, and what can be done with it.
fn file_card(
    info: &FileInfo,
    progress: Option<&Progress>,
    (place, own): (Place, bool),
    on_file: &Callback<(FileInfo, FileAction)>,
) -> Html {
    let name = AttrValue::from(shown_name(&info.name));
    let action = |class, label, action| {
        let info = info.clone();
        button(
            class,
            label,
            on_file.reform(move |_: MouseEvent| (info.clone(), action)),
        )
    };
    let primary = "button small primary";
    let cancel = || action("button small", label::CANCEL, FileAction::Cancel);
    let (is_under_way, actions) = match progress.map_or(FileState::Offered, |progress| progress.now.state) {
        FileState::Offered => (false, action(primary, label::DOWNLOAD, FileAction::Fetch)),
        FileState::Fetching | FileState::Waiting => (
            true,
            html! { <>{ action("button small", label::PAUSE, FileAction::Pause) }{ cancel() }</> },
        ),
        FileState::Paused | FileState::NoRoom => (
            true,
            html! { <>{ action(primary, label::RESUME, FileAction::Fetch) }{ cancel() }</> },
        ),
        FileState::Unreadable => (false, action("button small", label::REMOVE, FileAction::Cancel)),
        FileState::Whole => (
            false,
            html! {
                <>
                    { action("button small", label::SAVE, FileAction::Save) }
                    if place == Place::List {
                        { action("button small", label::REMOVE, FileAction::Cancel) }
                    }
                </>
            },
        ),
    };
    let percent = progress.map_or(0, |progress| progress.now.bytes_have * 100 / info.bytes.max(1));
    let is_whole = progress.is_some_and(|progress| progress.now.state == FileState::Whole);
    html! {
        <div class="file" role="group" aria-label={name.clone()}>
            { glyph(Icon::Clip) }
            <div class="file-body">
                <bdi class="file-name">{ &name }</bdi>
                if is_whole && place == Place::Message && let Some(kind) = preview(info) {
                    <FilePreview info={info.clone()} {kind} />
                }
                { words("p", files::state(info.bytes, progress, own)) }
                if is_under_way {
                    <progress max="100" value={percent.to_string()} aria-label={name} />
                }
                <div class="file-actions">{ actions }</div>
            </div>
        </div>
    }
}

/// All files of a room, the latest first, then those whose messages are not shown any more: they take space all the same.
pub fn file_list(room: &RoomState, on_file: &Callback<(FileInfo, FileAction)>) -> Html {
    let item = |(own, info): (bool, &FileInfo)| {
        let progress = room.progress(info);
        html! {
            <li key={info.root.to_text()}>{ file_card(info, progress.as_ref(), (Place::List, own), on_file) }</li>
        }
    };
    let offers = room.offers();
    let besides = room.files_besides(&offers).into_iter().map(|info| (false, info));
    let offered = offers.iter().map(|(message, info)| (message.own, *info));
    html! { <ul role="list" class="files" aria-label={label::FILES}>{ for offered.chain(besides).map(item) }</ul> }
}
