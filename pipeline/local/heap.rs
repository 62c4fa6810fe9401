//! How the C library's heap is used by processes that work on pixels.

/// Keeps memory between pictures instead of giving it back and asking for it again, where the C
/// library is glibc. A picture's canvases are some ten megabytes; with the defaults each is mapped,
/// cleared page by page and unmapped, which costs a third of the time of a 2 MP photograph.
///
/// Called before the first thread is started. What is larger than 32 MiB is given back at once, as
/// ever, and of the rest at most 128 MiB a heap are kept.
pub(crate) fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep();
}

/// Has one heap serve all threads: each further one would reserve 64 MiB of address space, which is
/// what a worker is bound in. A process that works on many pictures at a time is not, and there one
/// heap's lock would stand between them.
pub(crate) fn share_one() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::share_one();
}

/// Unsafe because the C library's settings have no safe wrapper. They are two integers each, and
/// checked there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's settings have no safe wrapper")]
mod glibc {
    use libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD};

    pub(super) fn keep() {
        // The most that glibc takes for it on 64 bits is 32 MiB.
        set(M_MMAP_THRESHOLD, 32 << 20);
        set(M_TRIM_THRESHOLD, 128 << 20);
    }

    pub(super) fn share_one() {
        set(M_ARENA_MAX, 1);
    }

    fn set(setting: libc::c_int, value: libc::c_int) {
        // SAFETY: mallopt(3) takes two integers, checks them, and takes the heap's own lock.
        let taken = unsafe { libc::mallopt(setting, value) };
        if taken == 0 {
            tracing::debug!(setting, value, "the C library refuses a setting of its heap");
        }
    }
}
