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
use crate::{appearance, js, rtc, worker};

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
            on_name_room: command(session, |session, name: String| session.name_room(&name)),
            on_topic: command(session, |session, topic: String| session.set_topic(&topic)),
            on_pin: command(session, |session, id: MessageId| told(session, session.pin(id))),
            on_react: command(session, |session, (id, emoji): (MessageId, AttrValue)| {
                told(session, session.react(id, &emoji));
            }),
            on_edit: command(session, |session, (id, text): (MessageId, String)| {
                session.edit(id, &text)
            }),
            on_delete: command(session, |session, id: MessageId| told(session, session.delete(id))),
            on_keep: command(session, |session, (keep, after): Keep| {
                session.set_retention(keep);
                told(session, after.map_or(Ok(()), |after| session.set_vanish(after)));
            }),
            on_fold: Callback::from(appearance::fold_network),
            on_invite: command(session, |session, ()| session.invite()),
            on_take: command(session, |session, text: String| session.take_invitation(&text)),
            on_close: command(session, |session, ()| {
                // Refused only to whom the button is not shown, and after leaving.
                let _ = session.close_room();
            }),
            on_files_refused: command(session, |session, ()| {
                session.notify(NoticeKind::FilesAreForEveryone.into())
            }),
            on_dismiss: command(session, Session::dismiss),
            on_diagnose: command(session, |session, ()| session.diagnostics().into()),
            on_check: command(session, |session, told: Callback<Check>| {
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
            }),
            on_space: Callback::from(|told: Callback<Space>| {
                spawn_local(async move {
                    if let Some(space) = js::space().await {
                        told.emit(space);
                    }
                });
            }),
            on_save: command(session, |session, (name, format): (Option<String>, Format)| {
                if let Err(error) = js::save(&session.export(name.as_deref(), format)) {
                    js::log_error("a file cannot be saved", &error);
                }
            }),
            on_import: command(
                session,
                |session, (file, told): (web_sys::File, Callback<AttrValue>)| {
                    let session = session.clone();
                    spawn_local(async move { told.emit(bring_back(&session, &file).await) });
                },
            ),
            on_reload: Callback::from(|()| worker::reload()),
        }
    }
}
