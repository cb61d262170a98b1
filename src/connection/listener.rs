//! Accepting connections: one thread a socket, which does nothing else, deals the connections out
//! to the shards in turn, and survives whatever accept answers. CONFIG SET of the addresses closes
//! sockets and opens others.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::client::NewConnection;
use crate::config::Config;
use crate::config::error::ConfigSetError;
use crate::config::runtime::Change;
use crate::connection::unix_socket;
use crate::connection::unix_socket::SocketName;
use crate::io::accepting::Listening;
use crate::io::stream::Accepted;
use crate::thread::message::Message;
use crate::thread::node::Node;

const DENIED: &[u8] = b"-DENIED Basalt is running in protected mode because protected mode is \
enabled and no password is set for the default user. In this mode connections are only accepted \
from the loopback interface. If you want to connect from external computers to Basalt you may \
adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG \
SET protected-mode no' from the loopback interface by connecting to Basalt from the same host the \
server is running, however MAKE SURE Basalt is not publicly accessible from internet if you do so. \
Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the \
protected mode by editing the configuration file, and setting the protected mode option to 'no', \
and then restarting the server. 3) If you started the server manually just for testing, restart \
it with the '--protected-mode no' option. 4) Set up an authentication password for the default \
user. NOTE: You only need to do one of the above things in order for the server to start accepting \
connections from the outside.\r\n";

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

/// Bound sockets, ready to accept. What is dropped before it starts leaves nothing behind.
pub(crate) struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Option<(UnixListener, SocketName)>,
}

/// Binds every address of the configuration. The error says which one failed and why.
pub(crate) fn bind(config: &Config) -> Result<Listeners, String> {
    let tcp = bind_addresses(config)?;
    let unix = config
        .unixsocket
        .as_ref()
        .map(|path| unix_socket::bind(path, config.unixsocketperm, config.tcp_backlog))
        .transpose()?;
    Ok(Listeners { tcp, unix })
}

fn bind_addresses(config: &Config) -> Result<Vec<TcpListener>, String> {
    let mut tcp = Vec::new();
    if config.port != 0 {
        for name in &config.bind {
            let (name, optional) = match name.strip_prefix('-') {
                Some(rest) => (rest, true),
                None => (name.as_str(), false),
            };
            let host = match name {
                "*" => "0.0.0.0",
                "::*" => "::",
                other => other,
            };
            match bind_tcp(host, config.port, config.tcp_backlog) {
                Ok(listener) => tcp.push(listener),
                Err(error) if optional && error.kind() != io::ErrorKind::AddrInUse => {}
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    return Err(format!(
                        "Could not bind {host}:{}: Address already in use. Another server \
                         listens on this port; stop it, or choose another with --port.",
                        config.port
                    ));
                }
                Err(error) => {
                    return Err(format!("Could not bind {host}:{}: {error}", config.port));
                }
            }
        }
        if tcp.is_empty() {
            return Err("none of the addresses of 'bind' is there on this host".into());
        }
    }
    Ok(tcp)
}

/// Puts a CONFIG SET of `port` and `bind` into effect: connections are accepted from the new
/// addresses alone. When that cannot be, everything stays as it was.
pub(crate) fn apply(
    node: &Arc<Node>,
    before: &Config,
    change: &Change,
) -> Result<(), ConfigSetError> {
    let port_changed = change.changed.contains(&"port");
    if !port_changed && !change.changed.contains(&"bind") {
        return Ok(());
    }
    let failed = |name: &str, reason: String| {
        tracing::warn!("{reason}");
        Err(ConfigSetError::failed(name, "Unable to listen on this address. Check server logs."))
    };
    let start = |sockets: Vec<TcpListener>| {
        accept_from(node, sockets).map_err(|error| format!("cannot start threads: {error}"))
    };
    if port_changed {
        // The addresses cannot be in each other's way: clients are welcome all the time.
        return match bind_addresses(&change.config).and_then(start) {
            Ok(()) => Ok(()),
            Err(reason) => failed("port", reason),
        };
    }
    // One of the new addresses may cover an old one: those have to go first.
    close_all(node.clients.accepting.replace(Vec::new()));
    match bind_addresses(&change.config).and_then(start) {
        Ok(()) => Ok(()),
        Err(reason) => {
            if let Err(error) = bind_addresses(before).and_then(start) {
                tracing::error!("no connections are accepted any more: {error}");
            }
            failed("bind", reason)
        }
    }
}

fn close_all(sockets: Vec<Arc<Listening>>) {
    for listening in sockets {
        listening.close();
    }
}

/// Accepts connections from these sockets, and from no other any more.
fn accept_from(node: &Arc<Node>, sockets: Vec<TcpListener>) -> io::Result<()> {
    let sockets: Vec<Arc<Listening>> = sockets
        .into_iter()
        .map(|socket| Arc::new(Listening { socket, closed: AtomicBool::new(false) }))
        .collect();
    for listening in &sockets {
        let (node, listening) = (node.clone(), listening.clone());
        let thread = std::thread::Builder::new().name("accept".into()).stack_size(128 << 10);
        thread.spawn(move || {
            loop {
                let accepted = listening.socket.accept();
                if listening.closed.load(Ordering::Acquire) {
                    return;
                }
                match accepted {
                    Ok((socket, peer)) => accept_tcp(&node, socket, peer),
                    Err(error) => node.clients.accepting.failed(&error),
                }
            }
        })?;
    }
    close_all(node.clients.accepting.replace(sockets));
    Ok(())
}

fn bind_tcp(host: &str, port: u16, backlog: i32) -> io::Result<TcpListener> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such address"))?;
    let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

impl Listeners {
    /// Starts the threads that accept. Gives the name of the Unix socket, to be kept until clients
    /// are no longer welcome.
    pub(crate) fn start(self, node: &Arc<Node>) -> io::Result<Option<SocketName>> {
        accept_from(node, self.tcp)?;
        let Some((listener, name)) = self.unix else { return Ok(None) };
        let node = node.clone();
        let thread = std::thread::Builder::new().name("accept-unix".into()).stack_size(128 << 10);
        thread.spawn(move || {
            let path = node.config().unixsocket.clone().unwrap_or_default();
            loop {
                match listener.accept() {
                    Ok((socket, _)) => accept_unix(&node, socket, &path),
                    Err(error) => node.clients.accepting.failed(&error),
                }
            }
        })?;
        Ok(Some(name))
    }
}

fn admit(node: &Node, refuse: impl FnOnce(&[u8])) -> bool {
    let limit = node.clients.max.load(Ordering::Relaxed);
    if node.telemetry.counters.connected_clients.fetch_add(1, Ordering::AcqRel) >= limit {
        node.telemetry.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
        node.telemetry.counters.connections_rejected.fetch_add(1, Ordering::Relaxed);
        refuse(TOO_MANY);
        return false;
    }
    true
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
    }
}

fn accept_tcp(node: &Arc<Node>, socket: TcpStream, peer: SocketAddr) {
    let config = node.config();
    let from_this_host = is_loopback(peer.ip());
    if !admit(node, |text| {
        let _ = (&socket).write_all(text);
    }) {
        return;
    }
    if config.protected_mode && config.requirepass.is_none() && !from_this_host {
        let _ = (&socket).write_all(DENIED);
        node.telemetry.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
        node.telemetry.counters.connections_rejected.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let _ = socket.set_nodelay(true);
    if let Ok(seconds @ 1..) = u64::try_from(config.tcp_keepalive_seconds) {
        let probes = socket2::TcpKeepalive::new()
            .with_time(Duration::from_secs(seconds))
            .with_interval(Duration::from_secs((seconds / 3).max(1)))
            .with_retries(3);
        let _ = socket2::SockRef::from(&socket).set_tcp_keepalive(&probes);
    }
    let local = socket.local_addr().map(|address| address.to_string()).unwrap_or_default();
    deal(
        node,
        NewConnection {
            id: next_id(node),
            socket: Accepted::Tcp(OwnedFd::from(socket)),
            peer: peer.to_string(),
            local,
            from_this_host,
        },
    );
}

fn accept_unix(node: &Arc<Node>, socket: UnixStream, path: &Path) {
    let is_admitted = admit(node, |text| {
        let _ = (&socket).write_all(text);
    });
    if !is_admitted {
        return;
    }
    let name = format!("{}:0", path.display());
    deal(
        node,
        NewConnection {
            id: next_id(node),
            socket: Accepted::Unix(OwnedFd::from(socket)),
            peer: name.clone(),
            local: name,
            from_this_host: true,
        },
    );
}

/// Numbers clients in the order of accepting.
fn next_id(node: &Node) -> u64 {
    node.clients.next_id.fetch_add(1, Ordering::Relaxed)
}

/// Hands a connection to the next shard. Only now it counts as received, as with Redis.
fn deal(node: &Arc<Node>, connection: NewConnection) {
    node.telemetry.counters.connections_received.fetch_add(1, Ordering::Relaxed);
    let turn = node.telemetry.counters.next_shard.fetch_add(1, Ordering::Relaxed);
    let shard = turn % node.topology.shards();
    node.mailboxes[shard].send(Message::Connection(Box::new(connection)));
}
