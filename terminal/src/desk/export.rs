//! What was said, as a file, and such a file brought back.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use client::{
    export::Format,
    import::{ImportError, import},
    words::keeping,
};
use tokio::task::{spawn_local, yield_now};

use super::{Desk, Late, Refusal, SaveError, done};
use crate::report::Report;

impl Desk {
    /// Writes what was said to a file that is not there yet: for programs, unless its name ends as a page's.
    pub(super) fn export(&self, path: &Path) -> Result<Report, Refusal> {
        let is_page = path.extension().is_some_and(|ending| ending == "html");
        let format = if is_page { Format::Page } else { Format::Json };
        let file = self.session.export(self.session.room().name.as_deref(), format);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut to| to.write_all(file.text.as_bytes()));
        if let Err(source) = written {
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
            let result = match fs::read(&path) {
                Ok(bytes) => {
                    let imported = match serde_json::from_slice(&bytes) {
                        Ok(export) => import(&session, &export, yield_now).await,
                        Err(_) => Err(ImportError::NotOne),
                    };
                    imported.map_err(|error| Refusal::NotImported { error })
                }
                Err(source) => Err(Refusal::NotRead { path, source }),
            };
            let _ = late
                .send(match result {
                    Ok(imported) => Late::Imported { imported },
                    Err(refusal) => Late::Failed { refusal },
                })
                .await;
        });
        done(keeping::IMPORTING)
    }
}
