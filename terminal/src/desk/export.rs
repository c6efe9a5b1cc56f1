//! What was said, as a file, and such a file brought back.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use client::{
    config::EXPORT_BYTES_MAX,
    export::Format,
    import::{ImportError, import},
    words::keeping,
};
use shared::signal::Json;
use tokio::{fs, task::spawn_local, time::sleep};

use super::{Desk, Late, Refusal, SaveError, done};
use crate::{config::IMPORT_PAUSE, home::write_new, report::Report};

impl Desk {
    /// Writes what was said to a file that is not there yet: for programs, unless its name ends as a page's.
    pub(super) fn export(&self, path: &Path) -> Result<Report, Refusal> {
        let is_page = path.extension().is_some_and(|ending| ending == "html");
        let format = if is_page { Format::Page } else { Format::Json };
        let file = self.session.export(self.session.room().name.as_deref(), format);
        if let Err(source) = write_new(path, file.text.as_bytes()) {
            let (name, path) = (path.display().to_string(), path.to_owned());
            let error = if source.kind() == ErrorKind::AlreadyExists {
                SaveError::Exists(path)
            } else {
                SaveError::Io { path, source }
            };
            return Err(Refusal::NotSaved { name, error });
        }
        Ok(done(&format!("All that is shown here is in {}.", path.display())))
    }

    /// Takes what is new of an export.
    pub(super) fn import(&mut self, path: PathBuf) -> Report {
        self.under_way += 1;
        let (session, late) = (self.session.clone(), self.late.clone());
        spawn_local(async move {
            let imported = async {
                let export = read(&path).await?;
                let imported = import(&session, &export, async || sleep(IMPORT_PAUSE).await).await;
                imported.map_err(|error| Refusal::NotImported { error })
            };
            let _ = late
                .send(match imported.await {
                    Ok(imported) => Late::Imported { imported },
                    Err(refusal) => Late::Failed { refusal },
                })
                .await;
        });
        done(keeping::IMPORTING)
    }
}

/// Reads an export. To open a pipe waits for whoever writes to it, so only a file is opened.
async fn read(path: &Path) -> Result<Json, Refusal> {
    let not_read = |source| Refusal::NotRead {
        path: path.to_owned(),
        source,
    };
    let not_one = |error| Refusal::NotImported { error };
    let metadata = fs::metadata(path).await.map_err(not_read)?;
    if !metadata.is_file() {
        return Err(not_read(ErrorKind::InvalidInput.into()));
    }
    if metadata.len() > EXPORT_BYTES_MAX.into() {
        return Err(not_one(ImportError::TooLarge));
    }
    let bytes = fs::read(path).await.map_err(not_read)?;
    serde_json::from_slice(&bytes).map_err(|_| not_one(ImportError::NotOne))
}
