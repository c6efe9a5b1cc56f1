//! Pictures among files: shown from where they are kept, as nothing but pictures.
//!
//! An `img` runs no script and loads nothing by itself, whatever is in the file. Its type is one of a short list (`client::files::is_picture`), and not
//! what the file says.

use client::files::shown_name;
use mesh::model::FileInfo;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Url};
use yew::prelude::*;

use crate::{files::Files, js};

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
    /// The picture.
    pub blob: Blob,
    /// Its name.
    pub name: AttrValue,
}

/// A picture that the browser holds.
#[component]
pub fn Shown(props: &ShownProps) -> Html {
    let address = use_memo(props.blob.clone(), |blob| {
        Address(Url::create_object_url_with_blob(blob).unwrap_or_default())
    });
    html! { <img src={address.0.clone()} alt={props.name.clone()} /> }
}

/// Properties of [`Picture`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct PictureProps {
    /// A file that is here, and is a picture.
    pub info: FileInfo,
}

/// A picture among the files. Its place has one height from the start, so that nothing moves when the picture comes.
#[component]
pub fn Picture(props: &PictureProps) -> Html {
    let files = use_context::<Files>();
    let blob = use_state(|| None::<Blob>);
    let info = props.info.clone();
    use_effect_with(info.root, {
        let blob = blob.setter();
        move |_| {
            spawn_local(async move {
                let Some(files) = files else { return };
                match files.picture(&info).await {
                    Ok(found) => blob.set(Some(found)),
                    Err(error) => js::log(&format!("a picture cannot be shown: {error}")),
                }
            });
        }
    });
    let name = AttrValue::from(shown_name(&props.info.name));
    html! {
        <div class="picture">
            if let Some(blob) = (*blob).clone() {
                <Shown {blob} {name} />
            }
        </div>
    }
}
