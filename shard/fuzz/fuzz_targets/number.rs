//! Whatever text: reading it as a number does not panic, and what is read prints as itself.

#![no_main]

use basalt_shard_fuzz::number::{
    Extended, format_f64, format_i64, format_u64, parse_f64, parse_i64, parse_memory, parse_u64,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], &[u8], u64)| {
    let (text, other, bits) = data;
    if let Some(value) = parse_i64(text) {
        assert_eq!(format_i64(value).as_bytes(), text);
    }
    if let Some(value) = parse_u64(text) {
        assert_eq!(format_u64(value).as_bytes(), text);
    }
    parse_memory(text);
    for value in parse_f64(text).into_iter().chain([f64::from_bits(bits)]) {
        let read = parse_f64(format_f64(value).as_bytes());
        assert_eq!(read.map(f64::to_bits), (!value.is_nan()).then_some(value.to_bits()));
        assert_eq!(Extended::from_f64(value).is_nan(), value.is_nan());
        Extended::from_f64(value).to_human();
    }
    let (Some(left), Some(right)) = (Extended::parse(text), Extended::parse(other)) else { return };
    assert_eq!(left + right, right + left);
    let printed = (left + right).to_human();
    match Extended::parse(printed.as_bytes()) {
        Some(read) => assert_eq!(read.to_human(), printed),
        None => assert_eq!(printed, "nan"),
    }
});
