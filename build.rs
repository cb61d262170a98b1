//! Lets `src/sys.rs` add a flag to the rings that glommio sets up: liburing is linked statically,
//! so the linker can put our function in front of its.

fn main() {
    println!("cargo:rustc-link-arg=-Wl,--wrap=io_uring_queue_init_params");
    println!("cargo:rerun-if-changed=build.rs");
}
