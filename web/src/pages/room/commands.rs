//! What the page asks of a session.

use client::{
    Session,
    check::{Check, RelayTransport},
    export::Format,
    notice::NoticeKind,
    store::Space,
};
use mesh::{
    io::TransportPolicy,
    model::{Invitation, InvitationError, SendError},
};
use shared::{MessageId, signal::IceServer};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{bring_back, keeping::Keep};
use crate::{
    appearance, js,
    later::{Part, here},
    rtc, worker,
};

/// What the page asks of the session, as callbacks that stay the same for as long as the session does.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) on_retry: Callback<()>,
    pub(super) on_typing: Callback<()>,
    pub(super) on_name_room: Callback<String, Result<(), SendError>>,
    pub(super) on_topic: Callback<String, Result<(), SendError>>,
    pub(super) on_pin: Callback<MessageId>,
    pub(super) on_react: Callback<(MessageId, AttrValue)>,
    pub(super) on_edit: Callback<(MessageId, String), Result<(), SendError>>,
    pub(super) on_delete: Callback<MessageId>,
    pub(super) on_keep: Callback<Keep>,
    pub(super) on_fold: Callback<bool>,
    pub(super) on_invite: Callback<(), Result<(), InvitationError>>,
    pub(super) on_take: Callback<String, Result<Invitation, InvitationError>>,
    pub(super) on_close: Callback<()>,
    pub(super) on_files_refused: Callback<()>,
    pub(super) on_dismiss: Callback<u64>,
    pub(super) on_diagnose: Callback<(), AttrValue>,
    pub(super) on_check: Callback<Callback<Check>>,
    pub(super) on_space: Callback<Callback<Space>>,
    pub(super) on_save: Callback<(Option<String>, Format)>,
    pub(super) on_import: Callback<(web_sys::File, Callback<AttrValue>)>,
    pub(super) on_reload: Callback<()>,
}

/// Tells the person why something was refused.
fn told(session: &Session, done: Result<(), SendError>) {
    if let Err(error) = done {
        session.notify(NoticeKind::NotSent { error, to: None }.into());
    }
}

/// What is asked of a room beside talking.
enum Ask {
    NameRoom(String),
    Topic(String),
    Pin(MessageId),
    React(MessageId, AttrValue),
    Edit(MessageId, String),
    Delete(MessageId),
    Keep(Keep),
    Close,
}

/// Asks for it, and says so if that is not possible yet.
fn ask(session: &Session, ask: Ask) -> Result<(), SendError> {
    if let Some(part) = here() {
        return later_ask(part, session, ask);
    }
    session.notify(NoticeKind::PartMissing.into());
    Ok(())
}

#[inline(never)]
fn later_ask(_: Part, session: &Session, ask: Ask) -> Result<(), SendError> {
    match ask {
        Ask::NameRoom(name) => session.name_room(&name),
        Ask::Topic(topic) => session.set_topic(&topic),
        Ask::Pin(id) => session.pin(id),
        Ask::React(id, emoji) => session.react(id, &emoji),
        Ask::Edit(id, text) => session.edit(id, &text),
        Ask::Delete(id) => session.delete(id),
        Ask::Keep((keep, after)) => {
            session.set_retention(keep);
            after.map_or(Ok(()), |after| session.set_vanish(after))
        }
        Ask::Close => {
            // Refused only to whom the button is not shown, and after leaving.
            let _ = session.close_room();
            Ok(())
        }
    }
}

// What follows is asked for by sheets, which are there only with the later part.

#[inline(never)]
fn later_invite(_: Part, session: &Session) -> Result<(), InvitationError> {
    session.invite()
}

#[inline(never)]
fn later_take(_: Part, session: &Session, text: &str) -> Result<Invitation, InvitationError> {
    session.take_invitation(text)
}

#[inline(never)]
fn later_diagnose(_: Part, session: &Session) -> AttrValue {
    session.diagnostics().into()
}

#[inline(never)]
fn later_check(_: Part, session: &Session, told: Callback<Check>) {
    let (ice_servers, policy) = (session.ice_servers(), session.transport_policy());
    spawn_local(async move {
        let [udp, tcp, tls] = RelayTransport::ALL.map(|transport| transport.servers(&ice_servers));
        let relayed = async |servers: &[IceServer]| {
            if servers.is_empty() {
                return None;
            }
            rtc::look_around(servers, TransportPolicy::Relay).await
        };
        let (found, udp, tcp, tls) = futures_util::join!(
            rtc::look_around(&ice_servers, policy),
            relayed(&udp),
            relayed(&tcp),
            relayed(&tls)
        );
        let relayed = [udp.as_deref(), tcp.as_deref(), tls.as_deref()];
        told.emit(Check::of(&ice_servers, policy, found.as_deref(), relayed));
    });
}

#[inline(never)]
fn later_space(_: Part, told: Callback<Space>) {
    spawn_local(async move {
        if let Some(space) = js::space().await {
            told.emit(space);
        }
    });
}

#[inline(never)]
fn later_save(_: Part, session: &Session, name: Option<&str>, format: Format) {
    if let Err(error) = js::save(&session.export(name, format)) {
        js::log_error("a file cannot be saved", &error);
    }
}

#[inline(never)]
fn later_import(_: Part, session: &Session, (file, told): (web_sys::File, Callback<AttrValue>)) {
    let session = session.clone();
    spawn_local(async move { told.emit(bring_back(&session, &file).await) });
}

impl Commands {
    // Long because: one command after the other.
    pub(super) fn new(session: &Session) -> Self {
        fn command<T: 'static, R: 'static>(session: &Session, give: fn(&Session, T) -> R) -> Callback<T, R> {
            let session = session.clone();
            Callback::from(move |what| give(&session, what))
        }
        Self {
            on_retry: command(session, |session, ()| session.retry_now()),
            on_typing: command(session, |session, ()| {
                if appearance::is_typing_told() {
                    session.note_typing();
                }
            }),
            on_name_room: command(session, |session, name| ask(session, Ask::NameRoom(name))),
            on_topic: command(session, |session, topic| ask(session, Ask::Topic(topic))),
            on_pin: command(session, |session, id| told(session, ask(session, Ask::Pin(id)))),
            on_react: command(session, |session, (id, emoji)| {
                told(session, ask(session, Ask::React(id, emoji)));
            }),
            on_edit: command(session, |session, (id, text)| ask(session, Ask::Edit(id, text))),
            on_delete: command(session, |session, id| told(session, ask(session, Ask::Delete(id)))),
            on_keep: command(session, |session, keep| told(session, ask(session, Ask::Keep(keep)))),
            on_fold: Callback::from(appearance::fold_network),
            on_invite: command(session, |session, ()| {
                here().map_or(Ok(()), |part| later_invite(part, session))
            }),
            on_take: command(session, |session, text: String| {
                let gone = Err(InvitationError::Left);
                here().map_or(gone, |part| later_take(part, session, &text))
            }),
            on_close: command(session, |session, ()| told(session, ask(session, Ask::Close))),
            on_files_refused: command(session, |session, ()| {
                session.notify(NoticeKind::FilesAreForEveryone.into())
            }),
            on_dismiss: command(session, Session::dismiss),
            on_diagnose: command(session, |session, ()| {
                here().map_or_else(AttrValue::default, |part| later_diagnose(part, session))
            }),
            on_check: command(session, |session, told| {
                if let Some(part) = here() {
                    later_check(part, session, told);
                }
            }),
            on_space: Callback::from(|told: Callback<Space>| {
                if let Some(part) = here() {
                    later_space(part, told);
                }
            }),
            on_save: command(session, |session, (name, format): (Option<String>, Format)| {
                if let Some(part) = here() {
                    later_save(part, session, name.as_deref(), format);
                }
            }),
            on_import: command(session, |session, import| {
                if let Some(part) = here() {
                    later_import(part, session, import);
                }
            }),
            on_reload: Callback::from(|()| worker::reload()),
        }
    }
}
