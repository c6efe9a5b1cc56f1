//! The part of the start page by which an identity goes to another device, or comes from there.

use client::words::take_along::{
    GO_ON, HELP, PASSPHRASE, PASSPHRASE_HELP, READ, SAVE, TITLE, WORKING, ask, who, you_are,
};
use shared::{Identity, Portable};
use web_sys::File;
use yew::prelude::*;

use super::{
    element::{button, words},
    field::{Field, field, file_field},
    later::Fold,
};
use crate::later::Part;

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Move {
    /// Save who we are under this passphrase.
    Save(String),
    /// Read who is in this file under this passphrase.
    Read(File, String),
    /// Be that person from now on.
    Become(Portable),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It was done, or not: in words.
    Said(&'static str),
    /// This is who is in the file.
    Found(Portable),
}

/// Properties of [`TakeAlong`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct TakeAlongProps {
    /// Who we are: name and fingerprint.
    pub me: AttrValue,
    /// Does something, and calls back with what came of it.
    pub on_move: Callback<(Move, Callback<Moved>)>,
}

/// See the [module documentation](self).
#[component]
pub fn TakeAlong(props: &TakeAlongProps) -> Html {
    let props = props.clone();
    let content = Callback::from(move |part| later_take_along(part, &props));
    html! { <Fold class="take-along" title={TITLE} {content} /> }
}

#[inline(never)]
fn later_take_along(_: Part, props: &TakeAlongProps) -> Html {
    html! { <Fields ..props.clone() /> }
}

/// What the part consists of.
#[component]
fn Fields(props: &TakeAlongProps) -> Html {
    let passphrase = use_state(String::new);
    let moved = use_state(|| None::<Moved>);
    let go = {
        let (on_move, moved) = (props.on_move.clone(), moved.setter());
        move |what: Move| {
            moved.set(Some(Moved::Said(WORKING)));
            let moved = moved.clone();
            on_move.emit((what, Callback::from(move |came| moved.set(Some(came)))));
        }
    };
    let on_save = {
        let (go, passphrase) = (go.clone(), passphrase.clone());
        Callback::from(move |_: MouseEvent| go(Move::Save((*passphrase).clone())))
    };
    let on_file = {
        let (go, passphrase) = (go.clone(), passphrase.clone());
        Callback::from(move |file| go(Move::Read(file, (*passphrase).clone())))
    };
    let on_input = passphrase.setter();
    html! {
        <>
            { words("p", HELP) }
            { words("p", you_are(&props.me)) }
            { field(Field {
                id: "passphrase",
                label: PASSPHRASE,
                value: (*passphrase).clone(),
                help: PASSPHRASE_HELP,
                error: None,
                autocomplete: "off",
                node: NodeRef::default(),
                on_input: Callback::from(move |text| on_input.set(text)),
                onkeydown: None,
            }) }
            { button("button wide", SAVE, on_save) }
            { file_field(READ, "", on_file) }
            { match &*moved {
                None => html! {},
                Some(Moved::Said(said)) => html! { <p role="status">{ said }</p> },
                Some(Moved::Found(found)) => {
                    let peer = Identity::from_secret(&found.secret).peer_id();
                    let then = who(found.name.as_deref(), &peer.fingerprint());
                    let found = found.clone();
                    let on_become = Callback::from(move |_: MouseEvent| go(Move::Become(found.clone())));
                    html! { <><p role="status">{ ask(&props.me, &then) }</p>{ button("button wide", GO_ON, on_become) }</> }
                }
            } }
        </>
    }
}
