//! How the C library's heap is used by processes that work on pixels.

/// Keeps memory between pictures instead of giving it back and asking for it again, where the C
/// library is glibc. A picture's canvases are some ten megabytes; with the defaults each is mapped,
/// cleared page by page and unmapped, which costs a third of the time of a 2 MP photograph.
///
/// One heap serves all threads: each further one would reserve 64 MiB of address space, which is
/// what a worker is bound in.
///
/// Called before the first thread is started. What is larger than 32 MiB is given back at once, as
/// ever, and of the rest at most 128 MiB are kept.
pub(crate) fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's settings have no safe wrapper")]
mod glibc {
    use libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD};

    /// The most that glibc takes for [`M_MMAP_THRESHOLD`] on 64 bits is 32 MiB.
    const SETTINGS: [(libc::c_int, libc::c_int); 3] =
        [(M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 128 << 20)];

    pub(super) fn keep() {
        for (setting, value) in SETTINGS {
            // SAFETY: mallopt(3) takes two integers, checks them, and takes the heap's own lock.
            let taken = unsafe { libc::mallopt(setting, value) };
            if taken == 0 {
                tracing::debug!(setting, value, "the C library refuses a setting of its heap");
            }
        }
    }
}
