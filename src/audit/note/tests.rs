//! Notes against the published examples, against a library of somebody else's, and with every byte changed.

use proptest::prelude::*;
use signed_note::Verifier as _;

use super::*;

const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const SAID: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const BY_PETER: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const BY_ENOCH: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

/// The example of the specification of checkpoints.
const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

fn peter() -> VerifierKey {
    PETER.parse().unwrap()
}

fn enoch() -> VerifierKey {
    ENOCH.parse().unwrap()
}

fn signer() -> SignerKey {
    SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap()
}

#[test]
fn the_published_keys_and_signatures_are_read_and_made() {
    let secret: SignerKey = PETERS_SECRET.parse().unwrap();
    assert_eq!(secret.verifier(), &peter());
    assert_eq!((secret.to_secret_text().as_str(), peter().to_string().as_str()), (PETERS_SECRET, PETER));
    let note = Note::sign(SAID.to_owned(), &[&secret]).unwrap();
    assert_eq!(note.to_string(), format!("{SAID}\n{BY_PETER}"));
    assert_eq!(format!("{secret:?}"), "SignerKey(PeterNeumann+c74f20a3)");
}

#[test]
fn of_several_signatures_those_of_known_keys_count() {
    let text = format!("{SAID}\n{BY_PETER}{BY_ENOCH}");
    let note = Note::parse(&text).unwrap();
    assert_eq!((note.text(), note.to_string()), (SAID, text));
    assert_eq!(note.verify(&[peter()]).unwrap(), [&peter()]);
    assert_eq!(note.verify(&[enoch(), peter()]).unwrap().len(), 2);
    let stranger = signer().verifier().clone();
    assert_eq!(
        note.verify(std::slice::from_ref(&stranger)),
        Err(NoteError::Unsigned(vec![stranger.short()]))
    );
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned(Vec::new())));
    // A bad one of a known key refuses the note, whoever else has signed it.
    let forged = Note::parse(&format!("{SAID} \n\n{BY_PETER}{BY_ENOCH}")).unwrap();
    assert_eq!(forged.verify(&[peter()]), Err(NoteError::Forged("PeterNeumann+c74f20a3".to_owned())));
    let twice = Note::parse(&format!("{SAID}\n{BY_PETER}{BY_PETER}")).unwrap();
    assert_eq!(twice.verify(&[peter()]).unwrap().len(), 1);
}

#[test]
fn the_published_checkpoint_is_read_and_written_the_same() {
    let note = Note::parse(EXAMPLE).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_text(), note.text());
    assert_eq!(note.to_string(), EXAMPLE);
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text().as_bytes()).unwrap();
    assert_eq!((theirs.size(), theirs.hash().0), (checkpoint.size, checkpoint.root));
}

#[test]
fn what_is_no_note_is_refused() {
    for (text, why) in [
        (SAID.to_owned(), "no empty line"),
        (format!("{SAID}\n"), "newline of a signature"),
        (format!("{SAID}\n{}", BY_PETER.trim_end()), "newline of a signature"),
        (format!("\u{1}{SAID}\n{BY_PETER}"), "control"),
        (format!("{SAID}\r\n{BY_PETER}"), "control"),
        (format!("{SAID}\n— Bad Name {}", &BY_PETER[17..]), "line 4"),
        (format!("{SAID}\n{BY_PETER}Unexpected line.\n"), "line 5"),
        (format!("{SAID}\n{BY_PETER}").replace("nAM=", "nAM"), "base64"),
        // The last bits of a base64 text that fills no byte have to be zero.
        (format!("{SAID}\n{BY_PETER}").replace("nAM=", "nAN="), "base64"),
        (format!("{SAID}\n— PeterNeumann x08g\n"), "too short"),
        (format!("{SAID}\n{}", BY_PETER.repeat(101)), "100"),
        (format!("{}\n{BY_PETER}", "x\n".repeat(600_000)), "1 MiB"),
    ] {
        let refused = Note::parse(&text).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert!(Note::parse(&format!("{SAID}\n{}", BY_PETER.repeat(100))).is_ok());
    assert!(Note::sign("no newline".to_owned(), &[&signer()]).is_err());
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for text in [
        String::new(),
        format!("origin\n1\n{root}"),
        "origin\n1\n".to_owned(),
        format!("\n1\n{root}\n"),
        format!("origin\n01\n{root}\n"),
        format!("origin\n+1\n{root}\n"),
        format!("origin\n-1\n{root}\n"),
        format!("origin\n18446744073709551616\n{root}\n"),
        format!("origin\n1\n{}\n", &root[4..]),
        format!("origin\n1\n{}\n", root.trim_end_matches('=')),
        format!("origin\n1\n{root}\n\n"),
    ] {
        assert!(matches!(Checkpoint::parse(&text), Err(NoteError::NoCheckpoint(_))), "{text:?}");
    }
    let extended = Checkpoint::parse(&format!("origin\n0\n{root}\nmore\nand more\n")).unwrap();
    assert_eq!((extended.size, extended.extensions.len()), (0, 2));
}

#[test]
fn every_part_and_every_change_of_a_key_is_refused() {
    fn refused<K: std::str::FromStr>(whole: &str) {
        assert!(whole.parse::<K>().is_ok());
        for start in 0..=whole.len() {
            for end in start..=whole.len() {
                assert!((start, end) == (0, whole.len()) || whole[start..end].parse::<K>().is_err());
            }
        }
        for at in 0..whole.len() {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[at] += 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed.parse::<K>().is_err(), "{changed}");
        }
    }
    refused::<VerifierKey>(PETER);
    refused::<SignerKey>(PETERS_SECRET);
    refused::<VerifierKey>(&signer().verifier().to_string());
    // The hash fits in both.
    for other in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(other.parse::<VerifierKey>().is_err());
    }
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{7f}b"] {
        assert_eq!(SignerKey::generate(name).unwrap_err(), KeyError::Name(name.to_owned()));
    }
}

#[test]
fn fresh_keys_differ_and_are_read_back_from_their_texts() {
    let (one, other) = (SignerKey::generate("a").unwrap(), SignerKey::generate("a").unwrap());
    assert_ne!(one.verifier(), other.verifier());
    let again: SignerKey = one.to_secret_text().parse().unwrap();
    let signed = SignedCheckpoint::sign(5, [9; 32], &again).to_string();
    let opened = SignedCheckpoint::open_of("a", &signed, &[other.verifier().clone(), one.verifier().clone()]);
    assert_eq!(opened.unwrap().checkpoint().size, 5);
    assert!(matches!(
        SignedCheckpoint::open_of("b", &signed, &[one.verifier().clone()]),
        Err(NoteError::OtherLog { .. })
    ));
}

proptest! {
    #[test]
    fn a_checkpoint_with_any_byte_changed_added_or_gone_is_refused(
        size in any::<u64>(),
        root in any::<Hash>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let signed = SignedCheckpoint::sign(size, root, &signer());
        let trusted = [signer().verifier().clone()];
        let bytes = signed.to_string().into_bytes();
        prop_assert_eq!(&SignedCheckpoint::open(&signed.to_string(), &trusted).unwrap(), &signed);
        let at = at.index(bytes.len());
        let (mut changed, mut added, mut gone) = (bytes.clone(), bytes.clone(), bytes.clone());
        changed[at] = byte;
        added.insert(at, byte);
        gone.remove(at);
        for other in [changed, added, gone].into_iter().filter(|other| *other != bytes) {
            if let Ok(text) = String::from_utf8(other) {
                prop_assert!(SignedCheckpoint::open(&text, &trusted).is_err(), "{}", text);
            }
        }
    }

    #[test]
    fn no_text_whatever_makes_a_reader_panic(text in "(\\PC|\n|— | |[+=A-Za-z0-9/]{4}){0,40}") {
        let trusted = [peter()];
        prop_assert!(SignedCheckpoint::open(&text, &trusted).is_err());
        prop_assert!(text.parse::<VerifierKey>().is_err() && text.parse::<SignerKey>().is_err());
        prop_assert!(Checkpoint::parse(&text).map_or(true, |checkpoint| checkpoint.to_text() == text));
    }

    #[test]
    fn others_verify_what_we_sign(seed in any::<[u8; 32]>(), size in any::<u64>(), root in any::<Hash>()) {
        let ours = SignerKey::from_seed("orders.example/log", &seed).unwrap();
        let signed = SignedCheckpoint::sign(size, root, &ours);
        let theirs = signed_note::StandardVerifier::new(&ours.verifier().to_string()).unwrap();
        prop_assert_eq!(theirs.key_id(), ours.verifier().id());
        let signature = &signed.note().signatures()[0];
        prop_assert!(theirs.verify(signed.note().text().as_bytes(), &signature.bytes));
        let parsed = signed_note::Note::from_bytes(signed.to_string().as_bytes()).unwrap();
        prop_assert_eq!(parsed.text(), signed.note().text().as_bytes());
    }
}
