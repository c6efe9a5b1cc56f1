//! Offering files.

use client::{Session, files::shown_name, notice::NoticeKind};
use futures_util::future::LocalBoxFuture;
use yew::prelude::*;

use crate::{
    files::Files,
    folder::Chosen,
    later::{Part, boxed},
};

/// Offers files to everyone, one after the other.
#[inline(never)]
pub(super) fn later_offer(
    _: Part,
    session: Session,
    files: Files,
    chosen: Vec<Chosen>,
    preparing: UseStateSetter<Option<(AttrValue, u32)>>,
) -> LocalBoxFuture<'static, ()> {
    boxed(offer(session, files, chosen, preparing))
}

async fn offer(
    session: Session,
    files: Files,
    chosen: Vec<Chosen>,
    preparing: UseStateSetter<Option<(AttrValue, u32)>>,
) {
    for chosen in chosen {
        let name = AttrValue::from(chosen.name());
        let on_progress = |percent| preparing.set(Some((name.clone(), percent)));
        let offered = match chosen.into_file(&on_progress).await {
            Ok(file) => files.offer(&session, &file, on_progress).await,
            Err(error) => Err(error),
        };
        if let Err(error) = offered {
            let name = shown_name(&name);
            session.notify(NoticeKind::FileNotOffered { name, error }.into());
        }
        preparing.set(None);
    }
}
