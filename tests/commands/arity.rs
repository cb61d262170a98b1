//! One argument too few or too many, for every command and subcommand.

use crate::common::{Client, Server};

use super::table::{self, Entry};

#[test]
fn one_argument_too_few_is_an_error() {
    let server = Server::start();
    let mut client = server.client();
    let mut tested = 0;
    for entry in table::commands_and_subcommands(&mut client) {
        let words = entry.words().len() as i64;
        let fewer = entry.arity.abs() - 1;
        // A command that is complete with its bare name cannot have too few.
        if fewer >= words {
            assert_arity_error(&mut client, &entry, fewer);
            tested += 1;
        }
    }
    // A container alone, and the many commands with a key.
    assert!(tested > 50, "only {tested} commands need an argument");
}

#[test]
fn a_container_alone_is_an_error() {
    let server = Server::start();
    let mut client = server.client();
    for entry in table::commands(&mut client) {
        if !entry.subcommands.is_empty() && entry.arity == -2 {
            assert_arity_error(&mut client, &entry, 1);
        }
    }
}

#[test]
fn one_argument_too_many_is_an_error() {
    let server = Server::start();
    let mut client = server.client();
    for entry in table::commands_and_subcommands(&mut client) {
        if entry.arity > 0 {
            assert_arity_error(&mut client, &entry, entry.arity + 1);
        }
    }
}

#[test]
fn an_unknown_command_names_its_first_arguments() {
    let server = Server::start();
    let mut client = server.client();
    client.fails("nosuch", "ERR unknown command 'nosuch', with args beginning with: ");
    client.fails("nosuch a b", "ERR unknown command 'nosuch', with args beginning with: 'a' 'b' ");
    // Both the name and the list of arguments are cut at 128 bytes.
    let name = "n".repeat(300);
    let reply = client.call(&[name.as_str(), &"a".repeat(100), &"b".repeat(100), "c"]).text();
    let cut = "n".repeat(128);
    let args = format!("'{}' '{}' ", "a".repeat(100), "b".repeat(25));
    assert_eq!(reply, format!("ERR unknown command '{cut}', with args beginning with: {args}"));
}

#[test]
fn an_unknown_subcommand_points_to_help() {
    let server = Server::start();
    let mut client = server.client();
    for entry in table::commands(&mut client) {
        let has_help = entry.subcommands.iter().any(|sub| sub.name.ends_with("|help"));
        if has_help {
            let name = &entry.name;
            let upper = name.to_ascii_uppercase();
            client.fails(
                &format!("{name} nosuch"),
                &format!("ERR unknown subcommand 'nosuch'. Try {upper} HELP."),
            );
        }
    }
}

/// Calls the command with so many arguments, its name counted.
fn assert_arity_error(client: &mut Client, entry: &Entry, count: i64) {
    let mut args = entry.words();
    args.resize(count as usize, "x".to_owned());
    let error = format!("wrong number of arguments for '{}' command", entry.name);
    // EXEC is told in the words that a client knows from a transaction that failed.
    let expected = match entry.name.as_str() {
        "exec" => format!("EXECABORT Transaction discarded because of: {error}"),
        _ => format!("ERR {error}"),
    };
    client.fails(&args.join(" "), &expected);
    let upper: Vec<String> = args.iter().map(|arg| arg.to_ascii_uppercase()).collect();
    client.fails(&upper.join(" "), &expected);
}
