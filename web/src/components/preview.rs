//! What is shown of files: pictures, sounds, videos and the beginnings of texts, from where they are kept, as nothing but that.
//!
//! An `img`, an `audio` and a `video` run no script and load nothing by themselves, whatever is in the file; a text becomes a text node. The type
//! that a file has here is one of a short list (`client::files::preview`), and not what the file says. A picture is decoded only if its beginning says that
//! it is small enough, and of sounds and videos nothing before the person plays them.

use client::{
    config::PICTURE_HEAD_BYTES,
    files::{Preview, is_shown, shown_name},
    store::StoreError,
    words::{files, label},
};
use mesh::model::FileInfo;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Url};
use yew::prelude::*;

use super::element::words;
use crate::{
    files::{Files, beginning},
    js,
};

/// An address of something that the browser holds, for as long as this lives.
#[derive(Debug)]
struct Address(String);

impl Drop for Address {
    fn drop(&mut self) {
        // Fails only for a text that is no address.
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// Properties of [`Shown`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct ShownProps {
    /// What is shown.
    pub blob: Blob,
    /// As what: no text.
    pub kind: Preview,
    /// Its name.
    pub name: AttrValue,
}

/// A picture, a sound or a video that the browser holds.
#[component]
pub fn Shown(props: &ShownProps) -> Html {
    let address = use_memo(props.blob.clone(), |blob| {
        Address(Url::create_object_url_with_blob(blob).unwrap_or_default())
    });
    let (src, name) = (address.0.clone(), props.name.clone());
    match props.kind {
        Preview::Sound => html! { <audio controls=true preload="none" {src} aria-label={name} /> },
        Preview::Video => html! { <video controls=true preload="none" {src} aria-label={name} /> },
        Preview::Picture | Preview::Text => html! { <img {src} alt={name} /> },
    }
}

/// What there is to be shown.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Media(Blob),
    Text { beginning: AttrValue, is_all: bool },
    TooLarge,
}

/// Properties of [`FilePreview`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct FilePreviewProps {
    /// A file that is here.
    pub info: FileInfo,
    /// As what it is shown.
    pub kind: Preview,
}

/// What is shown of a file that is here. A picture's place has one height from the start, so that nothing moves when the picture comes.
#[component]
pub fn FilePreview(props: &FilePreviewProps) -> Html {
    let files = use_context::<Files>();
    let found = use_state(|| None::<Found>);
    let (info, kind) = (props.info.clone(), props.kind);
    use_effect_with(info.root, {
        let found = found.setter();
        move |_| {
            spawn_local(async move {
                let Some(files) = files else { return };
                match find(&files, &info, kind).await {
                    Ok(shown) => found.set(Some(shown)),
                    Err(error) => js::log(&format!("a file cannot be shown: {error}")),
                }
            });
        }
    });
    let name = AttrValue::from(shown_name(&props.info.name));
    let class = match kind {
        Preview::Picture => "picture",
        Preview::Sound | Preview::Video | Preview::Text => "preview",
    };
    let content = match &*found {
        None => html! {},
        Some(Found::TooLarge) => words("p", files::PICTURE_TOO_LARGE),
        Some(Found::Media(blob)) => html! { <Shown blob={blob.clone()} {kind} {name} /> },
        Some(Found::Text { beginning, is_all }) => html! {
            <>
                // It scrolls, so it can be reached by keys.
                <pre dir="auto" tabindex="0" role="group" aria-label={label::TEXT}>{ beginning }</pre>
                if !is_all {
                    { words("p", files::text_beginning()) }
                }
            </>
        },
    };
    html! { <div {class}>{ content }</div> }
}

async fn find(files: &Files, info: &FileInfo, kind: Preview) -> Result<Found, StoreError> {
    Ok(match kind {
        Preview::Text => {
            let (beginning, is_all) = files.text(info).await?;
            let beginning = beginning.into();
            Found::Text { beginning, is_all }
        }
        Preview::Picture | Preview::Sound | Preview::Video => {
            let blob = files.typed(info).await?;
            if kind == Preview::Picture && !is_shown(&beginning(&blob, PICTURE_HEAD_BYTES).await?) {
                Found::TooLarge
            } else {
                Found::Media(blob)
            }
        }
    })
}
