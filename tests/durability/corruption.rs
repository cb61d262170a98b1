//! Damage done to the files of a stopped server: a byte flipped, a sector lost, a file cut, gone,
//! older than the rest, or of another shard. The next start refuses, with a sentence that names the
//! file; or commands that meet the damage are answered with an error that names it; or it does not
//! matter. Never is an answer wrong, is there less than was acknowledged, a panic, or a hang.
//!
//! `BASALT_CORRUPTION_CASES` sets the number of cases, `BASALT_CORRUPTION_SEED` repeats them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::common::server::{self, NoStart, Options};
use crate::common::{Rng, Server, env, rng};
use crate::expected::Expected;
use crate::files::{self, CLASSES, Class};
use crate::script;

const HANG: Duration = Duration::from_secs(15);
const SECTOR_BYTES: u64 = 512;
/// Until it is noted outside of the log how far the log had come.
const NOTED_IN: Duration = Duration::from_secs(1);

/// How the server ended before the damage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Kill9,
    Term,
}

/// A data directory and what is in it, and an older copy of both.
struct DataSet {
    end: End,
    newest: PathBuf,
    older: PathBuf,
    expected: Expected,
}

struct Laboratory {
    home: PathBuf,
    sets: Vec<DataSet>,
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        server::remove_home(&self.home);
    }
}

fn options(directory: &Path) -> Options {
    // So small that a part of the data is in tables.
    Options::default().appendfsync("always").dir(directory).set("write-buffer-size", "16mb")
}

impl Laboratory {
    fn new(rng: &mut Rng) -> Self {
        let home = server::new_home();
        let mut laboratory = Self { home, sets: Vec::new() };
        for end in [End::Kill9, End::Term] {
            let set = laboratory.build(end, rng);
            laboratory.sets.push(set);
        }
        laboratory
    }

    fn build(&self, end: End, rng: &mut Rng) -> DataSet {
        let newest = self.home.join(format!("{end:?}"));
        let older = self.home.join(format!("{end:?}-older"));
        let mut expected = Expected::default();
        let mut server = Server::with(options(&newest));
        write(&server, &mut expected, 0, rng);
        assert!(server.terminate().success());
        files::copy(&newest, &older);
        server.restart();
        server.client().ok("SWAPDB 1 5");
        expected.swap(1, 5);
        write(&server, &mut expected, 1, rng);
        write(&server, &mut expected, 2, rng);
        match end {
            End::Kill9 => {
                // A log that is cut short is told from a whole one by what is noted elsewhere.
                std::thread::sleep(NOTED_IN);
                server.kill9();
            }
            End::Term => assert!(server.terminate().success()),
        }
        DataSet { end, newest, older, expected }
    }
}

fn write(server: &Server, expected: &mut Expected, part: usize, rng: &mut Rng) {
    let mut complaints = Vec::new();
    let mut client = server.client();
    let steps = script::steps(rng, part);
    script::run(&mut client, &steps, expected, rng, &mut complaints).expect("write the data");
    std::thread::sleep(Duration::from_millis(script::SOON_MS as u64));
    complaints.extend(expected.check(&mut client).all());
    assert!(complaints.is_empty(), "before any damage: {complaints:?}");
}

#[derive(Clone, Debug)]
enum Damage {
    Flip {
        at: u64,
        bit: u32,
    },
    ZeroSector {
        at: u64,
    },
    Cut {
        bytes: u64,
    },
    Gone,
    /// An older copy in its place.
    Older,
    /// The file of the same role in the other shard, and that one here.
    Swapped(PathBuf),
}

#[derive(Clone, Debug)]
struct Case {
    class: Class,
    path: PathBuf,
    damage: Damage,
}

/// The end of what was ever written: files may be longer than their content.
fn content_bytes(path: &Path) -> u64 {
    let bytes = fs::read(path).expect("read a file");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn random_case(set: &DataSet, rng: &mut Rng) -> Option<Case> {
    let class = *rng.pick(&CLASSES);
    let of_class = |path: &PathBuf| files::class_of(path) == class;
    let all: Vec<PathBuf> = files::files(&set.newest).into_iter().filter(of_class).collect();
    if all.is_empty() {
        return None;
    }
    let path = rng.pick(&all).clone();
    let full = set.newest.join(&path);
    let content = content_bytes(&full).max(1);
    // Behind the content nothing should matter; not much is to be learnt there.
    let whole = fs::metadata(&full).expect("look at a file").len().max(1);
    let at = rng.next() % if rng.percent(90) { content } else { whole };
    let damage = match rng.below(10) {
        0..4 => Damage::Flip { at, bit: rng.below(8) as u32 },
        4 => Damage::ZeroSector { at: at / SECTOR_BYTES * SECTOR_BYTES },
        5..7 => Damage::Cut { bytes: at },
        7 => Damage::Gone,
        8 => match set.older.join(&path).exists() {
            true => Damage::Older,
            false => Damage::Gone,
        },
        _ => {
            let here = path.components().next().expect("a path");
            let elsewhere =
                |other: &&PathBuf| other.components().next().is_some_and(|there| there != here);
            let others: Vec<&PathBuf> = all.iter().filter(elsewhere).collect();
            match others.is_empty() {
                true => Damage::Gone,
                false => Damage::Swapped((*rng.pick(&others)).clone()),
            }
        }
    };
    Some(Case { class, path, damage })
}

/// Whole folders: these are tried each in every run.
fn folder_cases() -> Vec<Case> {
    let case = |path: &str, damage| Case { class: Class::Other, path: path.into(), damage };
    let mut cases = Vec::new();
    for folder in ["shard-000", "shard-001", files::LOG_FOLDER] {
        cases.push(case(folder, Damage::Gone));
        cases.push(case(folder, Damage::Older));
    }
    cases.push(case("shard-000", Damage::Swapped("shard-001".into())));
    cases.push(case(files::LOG_FOLDER, Damage::Swapped(files::OTHER_LOG_FOLDER.into())));
    cases
}

/// False: the case changes nothing, or does not apply.
fn inflict(case: &Case, set: &DataSet, directory: &Path) -> bool {
    let path = directory.join(&case.path);
    if !path.exists() {
        return false;
    }
    let open = || File::options().read(true).write(true).open(&path).expect("open a file");
    match &case.damage {
        Damage::Flip { at, bit } => {
            let mut byte = [0];
            if open().read_at(&mut byte, *at).expect("read a byte") == 0 {
                return false;
            }
            open().write_all_at(&[byte[0] ^ 1 << bit], *at).expect("write a byte");
        }
        Damage::ZeroSector { at } => {
            let length = open().metadata().expect("look at it").len();
            let zeros = vec![0; SECTOR_BYTES.min(length.saturating_sub(*at)) as usize];
            open().write_all_at(&zeros, *at).expect("write zeros");
        }
        Damage::Cut { bytes } => open().set_len(*bytes).expect("cut a file"),
        Damage::Gone if path.is_dir() => fs::remove_dir_all(&path).expect("remove a folder"),
        Damage::Gone => fs::remove_file(&path).expect("remove a file"),
        Damage::Older => {
            if !set.older.join(&case.path).exists() {
                return false;
            }
            files::copy(&set.older.join(&case.path), &path);
        }
        Damage::Swapped(other) => {
            let (other, aside) = (directory.join(other), directory.with_extension("aside"));
            fs::rename(&path, &aside).expect("move it aside");
            fs::rename(&other, &path).expect("move the other");
            fs::rename(&aside, &other).expect("move it back");
        }
    }
    true
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    Harmless,
    Refused,
    /// Refused, and --accept-data-loss was offered as a way out.
    LossOffered,
    Errors,
}

/// Starts on the damaged directory and judges.
fn judge(case: &Case, set: &DataSet, directory: &Path) -> Result<Outcome, String> {
    let server = match Server::try_with(options(directory), HANG) {
        Ok(server) => server,
        Err(NoStart { status, log }) => return judge_refusal(case, status, &log),
    };
    let mut client = server.client();
    client.set_timeout(HANG);
    let mut expected = set.expected.clone();
    let findings = expected.check(&mut client);
    let log = server.log();
    if !findings.wrong.is_empty() {
        let count = findings.wrong.len();
        return Err(format!("{count} wrong answers: {:.500}\n{log}", findings.wrong.join("; ")));
    }
    if log.contains("panicked") {
        return Err(format!("a panic:\n{log}"));
    }
    let names_a_file = |error: &String| error.contains("CORRUPTED") && error.contains("shard-0");
    if let Some(error) = findings.errors.iter().find(|error| !names_a_file(error)) {
        return Err(format!("an error that names no file: {error}\n{log}"));
    }
    Ok(if findings.errors.is_empty() { Outcome::Harmless } else { Outcome::Errors })
}

fn judge_refusal(
    case: &Case,
    status: Option<std::process::ExitStatus>,
    log: &str,
) -> Result<Outcome, String> {
    let Some(status) = status else { return Err(format!("the start hangs:\n{log}")) };
    if status.signal().is_some() || status.success() || log.contains("panicked") {
        return Err(format!("the start ended with {status}:\n{log}"));
    }
    let mut named = vec![case.path.as_path()];
    if let Damage::Swapped(other) = &case.damage {
        named.push(other);
    }
    // The file, or the shard's folder that it is in.
    let is_named = |path: &&Path| {
        path.iter().any(|part| part != "log" && log.contains(&*part.to_string_lossy()))
    };
    if !named.iter().any(is_named) {
        return Err(format!("refused without a word of {named:?}:\n{log}"));
    }
    if log.contains("--accept-data-loss yes") {
        return Ok(Outcome::LossOffered);
    }
    const ADVICE: [&str; 4] =
        ["backup", "estore", "put the folders back", "start it with the Basalt that wrote it"];
    if !ADVICE.iter().any(|words| log.contains(words)) {
        return Err(format!("refused without a word of what can be done:\n{log}"));
    }
    Ok(Outcome::Refused)
}

/// With the word that losses are accepted it opens, says what was lost, and shows nothing that
/// was never written.
fn judge_accepted_loss(set: &DataSet, directory: &Path) -> Result<(), String> {
    let accepting = options(directory).set("accept-data-loss", "yes");
    let server = match Server::try_with(accepting, HANG) {
        Ok(server) => server,
        // A foreign file may have told the salvaged database that it is another one.
        Err(NoStart { status: Some(_), log }) if log.contains("put the folders back") => {
            return Ok(());
        }
        Err(NoStart { status, log }) => {
            return Err(format!("refused in spite of --accept-data-loss ({status:?}):\n{log}"));
        }
    };
    let mut client = server.client();
    client.set_timeout(HANG);
    let findings = set.expected.with_any_past().check(&mut client);
    let log = server.log();
    if !findings.wrong.is_empty() || log.contains("panicked") {
        return Err(format!("with --accept-data-loss: {:?}\n{log}", findings.wrong));
    }
    if !log.contains("lost") && !log.contains("loss") {
        return Err(format!("a loss was accepted, and the log does not tell it:\n{log}"));
    }
    Ok(())
}

#[test]
fn damage_is_found_or_harmless() {
    let seed = rng::seed("BASALT_CORRUPTION_SEED");
    let count = env::number("BASALT_CORRUPTION_CASES", 40) as usize;
    eprintln!("BASALT_CORRUPTION_SEED={seed} BASALT_CORRUPTION_CASES={count}");
    let mut rng = Rng::new(seed);
    let laboratory = Laboratory::new(&mut rng);
    let start = Instant::now();
    let directory = laboratory.home.join("case");
    let (mut outcomes, mut failed) = (BTreeMap::<_, usize>::new(), Vec::new());
    let mut classes = BTreeSet::new();
    let folders = folder_cases();
    for number in 0..count + folders.len() {
        let set = rng.pick(&laboratory.sets);
        let case = match folders.get(number) {
            Some(case) => case.clone(),
            None => match random_case(set, &mut rng) {
                Some(case) => case,
                None => continue,
            },
        };
        files::copy(&set.newest, &directory);
        if !inflict(&case, set, &directory) {
            continue;
        }
        classes.insert(case.class);
        let mut outcome = judge(&case, set, &directory);
        if outcome == Ok(Outcome::LossOffered) {
            outcome = judge_accepted_loss(set, &directory).map(|()| Outcome::LossOffered);
        }
        match outcome {
            Ok(outcome) => *outcomes.entry((case.class, outcome)).or_default() += 1,
            Err(what) => {
                let text = format!("{:?} then {case:?}: {what}", set.end);
                eprintln!("FAILED {text}");
                failed.push(text);
            }
        }
    }
    eprintln!("{outcomes:#?} {} failed, {:?}", failed.len(), start.elapsed());
    assert!(failed.is_empty(), "{} failed, the first: {}", failed.len(), failed[0]);
}

/// The undamaged copies open whole, or the cases above prove nothing; and a case's damage is
/// noticed when the expectation is of the damaged data.
#[test]
fn undamaged_copies_open_whole() {
    let mut rng = Rng::new(1);
    let laboratory = Laboratory::new(&mut rng);
    for set in &laboratory.sets {
        let directory = laboratory.home.join("case");
        files::copy(&set.newest, &directory);
        let server = Server::with(options(&directory));
        let findings = set.expected.clone().check(&mut server.client());
        assert_eq!(findings.all(), Vec::<String>::new(), "{:?}", set.end);
        // The older copy as a whole is a lawful data set, but not this one.
        files::copy(&set.older, &laboratory.home.join("old"));
        let server = Server::with(options(&laboratory.home.join("old")));
        let findings = set.expected.clone().check(&mut server.client());
        assert!(!findings.wrong.is_empty(), "an older data set is taken for the newest");
    }
}
