//! Whose directory it is.

use std::{fs, os::unix::fs::PermissionsExt};

use local::data_directory::{DataDirectory, DataDirectoryError, LAYOUT_VERSION};

use super::support::{Mount, temporary};

#[test]
fn makes_everything_from_nothing_and_finds_it_again() {
    let root = temporary();
    let path = root.path().join("deep/er/data");
    let secret = {
        let directory = DataDirectory::open(&path).expect("a new directory");
        assert!(directory.objects_root().is_dir() && directory.staging().is_dir());
        *directory.secret()
    };
    assert_ne!(secret, [0; 32]);
    let mode = |name: &str| fs::metadata(path.join(name)).expect(name).permissions().mode() & 0o777;
    assert_eq!((mode("secret"), mode("objects"), mode(".")), (0o600, 0o700, 0o700));
    let again = DataDirectory::open(&path).expect("the same directory");
    assert_eq!(*again.secret(), secret, "URLs that were signed before a restart stay good");
    let other = DataDirectory::open(&root.path().join("other")).expect("another directory");
    assert_ne!(other.secret(), again.secret());
}

#[test]
fn refuses_a_second_server_and_names_the_first() {
    let root = temporary();
    let first = DataDirectory::open(root.path()).expect("the first");
    let refused = DataDirectory::open(root.path()).expect_err("the second");
    assert!(
        matches!(&refused, DataDirectoryError::Locked { pid: Some(pid), .. } if *pid == std::process::id()),
        "{refused:?}"
    );
    let sentence = refused.to_string();
    assert!(sentence.contains(&root.path().display().to_string()), "{sentence}");
    assert!(sentence.contains(&std::process::id().to_string()), "{sentence}");
    drop(first);
    DataDirectory::open(root.path()).expect("after the first has gone");
}

#[test]
fn leaves_a_foreign_directory_as_it_is() {
    let root = temporary();
    fs::write(root.path().join("letters.txt"), "dear").expect("a file");
    let refused = DataDirectory::open(root.path()).expect_err("somebody else's");
    assert!(
        matches!(&refused, DataDirectoryError::Foreign { found, .. } if found == "letters.txt")
    );
    assert!(refused.to_string().contains("--data"), "{refused}");
    assert_eq!(fs::read_dir(root.path()).expect("a directory").count(), 1, "nothing was added");

    // Another program's marker is not ours either.
    let root = temporary();
    fs::write(root.path().join("VERSION"), "2.31.0\n").expect("a file");
    let refused = DataDirectory::open(root.path()).expect_err("somebody else's");
    assert!(matches!(refused, DataDirectoryError::Foreign { .. }), "{refused:?}");
}

#[test]
fn refuses_a_newer_layout_with_both_versions() {
    let root = temporary();
    fs::write(root.path().join("VERSION"), "darkroom 73\n").expect("a marker");
    for refused in [
        DataDirectory::open(root.path()).expect_err("newer"),
        DataDirectory::visit(root.path()).expect_err("newer"),
    ] {
        let sentence = refused.to_string();
        assert!(sentence.contains("73"), "{sentence}");
        assert!(sentence.contains(&format!("up to {LAYOUT_VERSION}")), "{sentence}");
    }
    assert_eq!(fs::read_dir(root.path()).expect("a directory").count(), 1, "nothing was added");
}

#[test]
fn refuses_what_cannot_be_a_directory() {
    let root = temporary();
    let file = root.path().join("file");
    fs::write(&file, "").expect("a file");
    for path in [file.clone(), file.join("below")] {
        let refused = DataDirectory::open(&path).expect_err("no directory");
        assert!(matches!(refused, DataDirectoryError::Unwritable { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");
    }
}

#[test]
fn refuses_a_directory_that_cannot_be_written_to() {
    let Some(mount) = Mount::tmpfs("size=64k,ro", "refuses_a_directory_that_cannot_be_written_to")
    else {
        return;
    };
    for path in [mount.path().to_owned(), mount.path().join("below")] {
        let refused = DataDirectory::open(&path).expect_err("a read-only file system");
        assert!(matches!(refused, DataDirectoryError::Unwritable { .. }), "{refused:?}");
    }
}

#[test]
fn goes_on_after_a_first_start_that_was_cut_off() {
    let root = temporary();
    for left in ["darkroom.lock", "VERSION.new", "lost+found"] {
        fs::write(root.path().join(left), "").expect("a file");
    }
    DataDirectory::open(root.path()).expect("an empty directory but for our own beginnings");
}

#[test]
fn refuses_a_damaged_secret_and_keeps_it() {
    let root = temporary();
    drop(DataDirectory::open(root.path()).expect("a directory"));
    fs::write(root.path().join("secret"), [1; 31]).expect("the secret");
    let refused = DataDirectory::open(root.path()).expect_err("a short secret");
    assert!(matches!(refused, DataDirectoryError::DamagedSecret { length: 31, .. }), "{refused:?}");
    assert_eq!(fs::read(root.path().join("secret")).expect("the secret"), [1; 31]);
}

#[test]
fn is_visited_while_a_server_owns_it() {
    let root = temporary();
    let path = root.path().join("data");
    for absent in [&path, root.path()] {
        let refused = DataDirectory::visit(absent).expect_err("nothing there");
        assert!(matches!(refused, DataDirectoryError::Absent { .. }), "{refused:?}");
    }
    assert!(!path.exists(), "a visit creates nothing");
    let owner = DataDirectory::open(&path).expect("a directory");
    let visit = DataDirectory::visit(&path).expect("a visit");
    assert_eq!(visit.database_path(), owner.database_path());
}
