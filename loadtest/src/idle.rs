//! What an idle connection costs the server in memory: its process before and after many are
//! opened, and after they are closed again.
//!
//! The process's memory only; the kernel's own for a socket is not in any process's count.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::thread;

use serde_json::json;

use crate::args::{IdleArgs, Target};
use crate::error::{Failure, Result};
use crate::out::out;
use crate::process::{self, Memory};
use crate::server::{Greeting, Server};
use crate::{json as to_json, report};

pub(crate) fn idle(args: &IdleArgs) -> Result<()> {
    let greeting = Greeting::new(&args.login);
    let target = Target { name: "server".to_owned(), addr: args.addr.clone(), pid: args.pid };
    let server = Server::reach(&target, &greeting)?;
    let Some(pid) = server.pid else {
        return Err(Failure::new("the server's process is not visible from here; give --pid"));
    };
    out(&report::server_line(&server))?;
    let look = || {
        thread::sleep(args.settle);
        process::memory(pid)
    };
    let before = look()?;
    let mut connections = Vec::new();
    for _ in 0..args.connections {
        connections.push(open(&server, &greeting)?);
    }
    let open = look()?;
    drop(connections);
    let after = look()?;
    out(&format!("before       {}", report::memory_text(&before)))?;
    out(&format!("{:<12} {}", args.connections, report::memory_text(&open)))?;
    out(&format!("after        {}", report::memory_text(&after)))?;
    let each = |of: fn(&Memory) -> Option<u64>| {
        let grown = of(&open)? as f64 - of(&before)? as f64;
        Some(grown / args.connections as f64)
    };
    let (rss, pss) = (each(|memory| Some(memory.rss)), each(|memory| memory.pss));
    out(&format!(
        "bytes per idle connection: RSS {:.0}, PSS {}",
        rss.unwrap_or_default(),
        pss.map_or("-".to_owned(), |pss| format!("{pss:.0}"))
    ))?;
    if let Some(path) = &args.json {
        let mut report = to_json::header();
        report.insert("server".to_owned(), to_json::server(&server));
        report.insert("connections".to_owned(), json!(args.connections));
        report.insert("memory_before".to_owned(), to_json::memory(&before));
        report.insert("memory_open".to_owned(), to_json::memory(&open));
        report.insert("memory_after".to_owned(), to_json::memory(&after));
        report.insert("rss_bytes_per_connection".to_owned(), json!(rss));
        report.insert("pss_bytes_per_connection".to_owned(), json!(pss));
        to_json::write(path, report)?;
    }
    Ok(())
}

/// A connection that has logged in and said PING: one that a server keeps all its state for.
fn open(server: &Server, greeting: &Greeting) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.socket)?;
    stream.write_all(&greeting.requests)?;
    stream.write_all(b"*1\r\n$4\r\nPING\r\n")?;
    let mut reply = vec![0; greeting.replies * b"+OK\r\n".len() + b"+PONG\r\n".len()];
    stream.read_exact(&mut reply)?;
    Ok(stream)
}
