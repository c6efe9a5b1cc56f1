//! What was [exported](crate::export) of a room, brought back.
//!
//! Nothing in the file is believed but what its author has signed: the room takes the records, and checks each like one that a neighbor
//! brings. Names, times and texts beside them are for people. Whispers have no record, and are not read.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use mesh::model::Imported;
use shared::{RoomId, signal::Json};
use thiserror::Error;

use crate::{
    Session,
    config::{IMPORT_WAITS_MAX, IMPORTED_AT_ONCE},
};

/// A file of which nothing is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImportError {
    /// It is larger than an export may be: [`EXPORT_BYTES_MAX`](crate::config::EXPORT_BYTES_MAX).
    #[error("this file is larger than any export of a room")]
    TooLarge,
    /// It is no export in JSON, or not all of one.
    #[error("this is no export of a room in JSON, or not all of it")]
    NotOne,
    /// Another version made it.
    #[error("another version of starling made this export")]
    OtherVersion,
    /// It is of another room.
    #[error("this is the export of another room")]
    OtherRoom,
}

/// Takes into the room what is new of an export, and says what became of it all. `pause` is awaited again and again meanwhile.
///
/// # Errors
/// [`ImportError`]; nothing was taken.
pub async fn import(session: &Session, export: &Json, pause: impl AsyncFn()) -> Result<Imported, ImportError> {
    let (records, mut imported) = records(export, &session.room_id())?;
    for some in records.chunks(IMPORTED_AT_ONCE) {
        imported += session.import(some);
        pause().await;
    }
    // Whoever is told that it is back may close the page. In a busy room something always waits to be written.
    for _ in 0..IMPORT_WAITS_MAX {
        if session.has_written_all() {
            break;
        }
        pause().await;
    }
    Ok(imported)
}

fn text<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    value.field(name).and_then(Json::text)
}

/// The records in an export, and how many messages have none that can be read.
fn records(export: &Json, room: &RoomId) -> Result<(Vec<Vec<u8>>, Imported), ImportError> {
    match export.field("version") {
        Some(Json::Number(1)) => {}
        Some(Json::Number(_)) => return Err(ImportError::OtherVersion),
        _ => return Err(ImportError::NotOne),
    }
    if text(export, "room_id").ok_or(ImportError::NotOne)? != room.to_text() {
        return Err(ImportError::OtherRoom);
    }
    let messages = export.field("messages").and_then(Json::list);
    let messages = messages.ok_or(ImportError::NotOne)?;
    let read = |text: &str| Base64UrlUnpadded::decode_vec(text).ok();
    let record = |message| read(text(message, "record")?);
    let mut records: Vec<_> = messages.iter().filter_map(record).collect();
    let damaged = messages.len() - records.len();
    // What is said of them comes after all of them, and is no message.
    let annotations = messages
        .iter()
        .filter_map(|message| message.field("annotations").and_then(Json::list));
    records.extend(annotations.flatten().filter_map(|annotation| read(annotation.text()?)));
    Ok((
        records,
        Imported {
            damaged,
            ..Imported::default()
        },
    ))
}

#[cfg(test)]
mod tests {
    use shared::RoomCode;

    use super::*;

    fn lobby() -> RoomId {
        RoomCode::parse("lobby").unwrap().open().id()
    }

    fn read(text: &str) -> Result<(Vec<Vec<u8>>, Imported), ImportError> {
        records(&serde_json::from_str(text).unwrap(), &lobby())
    }

    #[test]
    fn records_are_read_and_messages_without_one_are_counted() {
        let room = lobby().to_text();
        let text = format!(
            r#"{{"version":1,"room":null,"room_id":"{room}","messages":[
            {{"id":"a","record":"AQI","annotations":["BA","!"]}},{{"id":"b"}},{{"id":"c","record":"!"}},{{"id":"d","record":"Aw"}}],"private":{{}}}}"#
        );
        let (records, imported) = read(&text).unwrap();
        assert_eq!((records, imported.damaged), (vec![vec![1, 2], vec![3], vec![4]], 2));
    }

    #[test]
    fn what_is_no_export_of_this_room_is_refused() {
        let room = lobby().to_text();
        for (text, error) in [
            ("{}".to_owned(), ImportError::NotOne),
            ("[1]".to_owned(), ImportError::NotOne),
            (r#"{"version":1,"messages":[]}"#.to_owned(), ImportError::NotOne),
            (format!(r#"{{"version":1,"room_id":"{room}"}}"#), ImportError::NotOne),
            (
                format!(r#"{{"version":2,"room_id":"{room}","messages":[]}}"#),
                ImportError::OtherVersion,
            ),
            (
                r#"{"version":1,"room_id":"x","messages":[]}"#.to_owned(),
                ImportError::OtherRoom,
            ),
        ] {
            assert_eq!(read(&text), Err(error), "{text}");
        }
    }
}
