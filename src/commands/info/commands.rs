//! Commands, their times and their errors: INFO's sections Commandstats, Errorstats and
//! Latencystats.

use crate::commands::info::facts::Facts;
use crate::commands::info::text::{Text, safe_name};

pub(super) fn command_stats(facts: &Facts, out: &mut Text) {
    out.section("Commandstats");
    for (name, of) in &facts.commands {
        if of.calls == 0 && of.failed_calls == 0 && of.rejected_calls == 0 {
            continue;
        }
        let usec = of.nanoseconds / 1000;
        let per_call = if of.calls == 0 { 0.0 } else { usec as f64 / of.calls as f64 };
        out.field(
            &format!("cmdstat_{name}"),
            format_args!(
                "calls={},usec={usec},usec_per_call={per_call:.2},rejected_calls={},\
                 failed_calls={}",
                of.calls, of.rejected_calls, of.failed_calls
            ),
        );
    }
}

pub(super) fn error_stats(facts: &Facts, out: &mut Text) {
    out.section("Errorstats");
    for (code, count) in &facts.errors {
        let name = safe_name(code);
        out.field(&format!("errorstat_{name}"), format_args!("count={count}"));
    }
}

pub(super) fn latency_stats(facts: &Facts, out: &mut Text) {
    out.section("Latencystats");
    if !facts.config.latency_tracking {
        return;
    }
    for (name, of) in &facts.commands {
        let Some(histogram) = &of.latency_ns else { continue };
        let percentiles = facts.config.latency_tracking_info_percentiles.iter();
        let shown: Vec<String> = percentiles
            .map(|percentile| {
                let nanoseconds = histogram.value_at_quantile(percentile / 100.0);
                format!("p{percentile}={:.3}", nanoseconds as f64 / 1000.0)
            })
            .collect();
        out.field(&format!("latency_percentiles_usec_{name}"), shown.join(","));
    }
}
