//! The Unix socket: bound only where no other server's is, and its name taken away again only while
//! it is ours. redis-server removes whatever has the name, a socket that is in use too.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// The name of a socket of ours, which goes when this is dropped.
pub(crate) struct SocketName {
    path: PathBuf,
    /// What has the name. It stays this socket's as long as the socket is open.
    file: Option<(u64, u64)>,
}

impl Drop for SocketName {
    fn drop(&mut self) {
        // Another server may have taken the name meanwhile.
        if self.file.is_some() && self.file == file_of(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn file_of(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Listens at `path`. `permissions` 0: as the umask has it.
pub(super) fn bind(
    path: &Path,
    permissions: u32,
    backlog: i32,
) -> Result<(UnixListener, SocketName), String> {
    let failed = |error| format!("Could not bind {}: {error}", path.display());
    make_way(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    let address = SockAddr::unix(path).map_err(failed)?;
    socket.bind(&address).map_err(failed)?;
    let name = SocketName { path: path.to_owned(), file: file_of(path) };
    // Nobody gets in before the permissions are right.
    if permissions != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(permissions))
            .map_err(|error| format!("unixsocketperm: {}: {error}", path.display()))?;
    }
    socket.listen(backlog).map_err(failed)?;
    Ok((socket.into(), name))
}

/// Removes a socket that its server left behind, and nothing else.
fn make_way(path: &Path) -> Result<(), String> {
    let refused = |what: &str| Err(format!("Could not bind {}: {what}", path.display()));
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return refused(&error.to_string()),
        Ok(found) => found,
    };
    if !is_socket(&found) {
        return refused(
            "there is something else of this name, which is no socket. Move it away, or choose \
             another name with --unixsocket.",
        );
    }
    match knock(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)
            .or_else(|error| refused(&format!("the socket of a server that ended: {error}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // Its queue of connections may be full.
        Err(error) if error.kind() != ErrorKind::WouldBlock => refused(&format!(
            "it cannot be told whether a server listens there: {error}. Remove it if none does."
        )),
        _ => refused(
            "Address already in use. Another server listens on this socket; stop it, or choose \
             another with --unixsocket.",
        ),
    }
}

fn is_socket(found: &Metadata) -> bool {
    found.file_type().is_socket()
}

/// Whether anybody is in. Does not wait.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::TestDir;

    fn refusal(path: &Path) -> String {
        bind(path, 0, 5).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_socket_in_use_is_left_alone_and_one_left_behind_is_replaced() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let (listener, name) = bind(&path, 0o700, 5).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let before = file_of(&path);
        assert!(refusal(&path).contains("in use"));
        assert_eq!(file_of(&path), before);
        // Its server is gone, and the name stayed.
        drop(listener);
        std::mem::forget(name);
        let (_listener, name) = bind(&path, 0, 5).unwrap();
        drop(name);
        assert_eq!(file_of(&path), None);
    }

    #[test]
    fn one_whose_queue_is_full_counts_as_in_use() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let (_listener, _name) = bind(&path, 0, 0).unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                let _ = socket.connect(&SockAddr::unix(&path).unwrap());
                socket
            })
            .collect();
        assert!(refusal(&path).contains("in use"));
        drop(waiting);
    }

    #[test]
    fn what_is_no_socket_is_never_removed() {
        let dir = TestDir::new();
        let path = dir.write("precious", "data");
        assert!(refusal(&path).contains("no socket"));
        assert_eq!(fs::read(&path).unwrap(), b"data");
    }

    #[test]
    fn a_name_that_another_has_taken_is_left_to_it() {
        let dir = TestDir::new();
        let path = dir.path().join("socket");
        let (_listener, name) = bind(&path, 0, 5).unwrap();
        fs::remove_file(&path).unwrap();
        let (_other, _others_name) = bind(&path, 0, 5).unwrap();
        let file = file_of(&path);
        drop(name);
        assert_eq!(file_of(&path), file);
    }
}
