//! Accepting connections: one thread that does nothing else, deals sockets out to the shards in
//! turn, and survives whatever accept answers.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Config;
use crate::net::stream::Accepted;
use crate::node::Node;
use crate::router::message::{Message, NewConnection};

/// How long to wait when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

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

/// Bound sockets, ready to accept.
pub(crate) struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Option<UnixListener>,
}

/// Binds every address of the configuration. The error says which one failed and why.
pub(crate) fn bind(config: &Config) -> Result<Listeners, String> {
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
    let unix = match &config.unixsocket {
        None => None,
        Some(path) => {
            let _ = std::fs::remove_file(path);
            let listener = UnixListener::bind(path)
                .map_err(|error| format!("Could not bind {}: {error}", path.display()))?;
            if config.unixsocketperm != 0 {
                let mode = std::fs::Permissions::from_mode(config.unixsocketperm);
                std::fs::set_permissions(path, mode)
                    .map_err(|error| format!("unixsocketperm: {error}"))?;
            }
            Some(listener)
        }
    };
    Ok(Listeners { tcp, unix })
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
    /// The port that is listened on (for port 0 in tests: none).
    pub(crate) fn start(self, node: &Arc<Node>) -> io::Result<()> {
        for listener in self.tcp {
            let node = node.clone();
            std::thread::Builder::new().name("accept".into()).stack_size(128 << 10).spawn(
                move || {
                    loop {
                        match listener.accept() {
                            Ok((socket, peer)) => accept_tcp(&node, socket, peer),
                            Err(error) => pause(&error),
                        }
                    }
                },
            )?;
        }
        if let Some(listener) = self.unix {
            let node = node.clone();
            std::thread::Builder::new().name("accept-unix".into()).stack_size(128 << 10).spawn(
                move || {
                    let path = node.config().unixsocket.clone().unwrap_or_default();
                    loop {
                        match listener.accept() {
                            Ok((socket, _)) => {
                                if admit(&node, |text| {
                                    let _ = (&socket).write_all(text);
                                }) {
                                    let name = format!("{}:0", path.display());
                                    let connection = NewConnection {
                                        socket: Accepted::Unix(OwnedFd::from(socket)),
                                        peer: name.clone(),
                                        local: name,
                                        from_this_host: true,
                                    };
                                    deal(&node, connection);
                                }
                            }
                            Err(error) => pause(&error),
                        }
                    }
                },
            )?;
        }
        Ok(())
    }
}

/// Whatever accept answers, the listener lives on (out of descriptors: after a pause).
fn pause(error: &io::Error) {
    if error.kind() != io::ErrorKind::Interrupted
        && error.kind() != io::ErrorKind::ConnectionAborted
    {
        tracing::warn!(%error, "accepting a connection failed");
        std::thread::sleep(ACCEPT_PAUSE);
    }
}

fn admit(node: &Node, refuse: impl FnOnce(&[u8])) -> bool {
    node.counters.connections_received.fetch_add(1, Ordering::Relaxed);
    let limit = node.clients_max.load(Ordering::Relaxed);
    if node.counters.connected_clients.fetch_add(1, Ordering::AcqRel) >= limit {
        node.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
        node.counters.connections_rejected.fetch_add(1, Ordering::Relaxed);
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
        node.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
        node.counters.connections_rejected.fetch_add(1, Ordering::Relaxed);
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
            socket: Accepted::Tcp(OwnedFd::from(socket)),
            peer: peer.to_string(),
            local,
            from_this_host,
        },
    );
}

/// Hands a connection to the next shard.
fn deal(node: &Arc<Node>, connection: NewConnection) {
    let turn = node.counters.next_shard.fetch_add(1, Ordering::Relaxed);
    let shard = turn % node.topology.shards();
    node.mailboxes[shard].send(Message::Connection(Box::new(connection)));
}
