//! A socket in the file system, which this user alone can open.

use std::{
    io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// The socket. Its file is removed with it.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    listener: UnixListener,
}

impl Socket {
    /// Listens at a path. What a program that was killed left there makes room; nothing else does.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        if let Ok(known) = std::fs::symlink_metadata(path) {
            let is_left_over = known.file_type().is_socket()
                && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            if !is_left_over {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            std::fs::remove_file(path)?;
        }
        // The file is private from its first moment on. Other files that are made meanwhile are at most as open as they would be.
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = bound?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let path = path.to_owned();
        Ok(Self { path, listener })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn serve(self, app: axum::Router) -> io::Result<()> {
        let Self { path, listener } = self;
        let _file = Removed(path);
        axum::serve(listener, app).await
    }
}

/// A file that is removed when this is dropped.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}
