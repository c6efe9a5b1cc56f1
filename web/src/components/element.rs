//! The plainest parts, for long texts, tables and pictures: what `html!` would write out anew at each place is compiled
//! here once.

use yew::prelude::*;

use super::icon::{Icon, glyph};

/// An element with a class, if it has one (else `""`), and what is in it.
pub fn element(tag: &'static str, class: &'static str, content: Html) -> Html {
    html! { <@{tag} {class}>{ content }</@> }
}

/// An element with nothing but text in it.
pub fn words(tag: &'static str, text: impl Into<AttrValue>) -> Html {
    element(tag, "", yew::virtual_dom::VText::new(text.into()).into())
}

/// A picture that is named for those who cannot see it, so wide and high in its own unit.
pub fn picture(class: &'static str, label: &'static str, (width, height): (i32, i32), content: Html) -> Html {
    let frame = format!("0 0 {width} {height}");
    html! { <svg {class} role="img" aria-label={label} viewBox={frame}>{ content }</svg> }
}

/// A path of a picture.
pub fn path(class: &'static str, d: String) -> Html {
    html! { <path {class} {d} /> }
}

/// A button with words on it.
pub fn button(class: &'static str, label: impl Into<AttrValue>, onclick: Callback<MouseEvent>) -> Html {
    let label: AttrValue = label.into();
    html! { <button type="button" {class} {onclick}>{ label }</button> }
}

/// A button with an icon alone, and in words what it does.
pub fn icon_button(icon: Icon, label: AttrValue, onclick: Callback<MouseEvent>) -> Html {
    html! {
        <button type="button" class="button icon-only" aria-label={label.clone()} title={label} {onclick}>
            { glyph(icon) }
        </button>
    }
}
