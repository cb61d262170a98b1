//! Zipf-distributed ranks: rank `k` of `1..=n` comes with a probability proportional to
//! `1 / k^theta`, for any `theta` above 0.
//!
//! Sampled by rejection-inversion (W. Hörmann, G. Derflinger, "Rejection-inversion to generate
//! variates from monotone discrete distributions", 1996): no table, constant time however many
//! keys there are. With `H` an antiderivative of `h(x) = x^-theta`, a uniform point of the area
//! under `h` is turned into `x` by the inverse of `H`, rounded to a rank, and rejected in the
//! few cases where the rounding left the histogram of the distribution.

use crate::rng::Rng;

#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    ranks: u64,
    theta: f64,
    /// `H(1.5) - h(1)`: the lower end of the area that is sampled.
    area_low: f64,
    /// `H(n + 0.5)`: its upper end.
    area_high: f64,
    /// Within this distance below a rank, acceptance is certain and `H` need not be computed.
    certain: f64,
}

impl Zipf {
    pub(crate) fn new(ranks: u64, theta: f64) -> Self {
        let mut zipf = Zipf { ranks, theta, area_low: 0.0, area_high: 0.0, certain: 0.0 };
        zipf.area_low = zipf.integral(1.5) - 1.0;
        zipf.area_high = zipf.integral(ranks as f64 + 0.5);
        zipf.certain = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    /// A rank in `1..=ranks`; 1 is the most frequent.
    pub(crate) fn sample(&self, rng: &mut Rng) -> u64 {
        loop {
            let area = self.area_high + rng.unit() * (self.area_low - self.area_high);
            let x = self.inverse(area);
            let rank = (x + 0.5).floor().clamp(1.0, self.ranks as f64);
            if rank - x <= self.certain || area >= self.integral(rank + 0.5) - self.density(rank) {
                return rank as u64;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        (-self.theta * x.ln()).exp()
    }

    /// `(x^(1-theta) - 1) / (1-theta)`, which becomes `ln x` as `theta` nears 1.
    fn integral(&self, x: f64) -> f64 {
        let log = x.ln();
        let y = (1.0 - self.theta) * log;
        if y.abs() < 1e-8 { log * (1.0 + y / 2.0) } else { log * y.exp_m1() / y }
    }

    fn inverse(&self, area: f64) -> f64 {
        // The product can fall below -1 by rounding only; there the logarithm has no value.
        let y = (area * (1.0 - self.theta)).max(-1.0);
        let log = if y.abs() < 1e-8 { area * (1.0 - y / 2.0) } else { area * y.ln_1p() / y };
        log.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the frequencies of the first ranks, and of the tail as a whole, with the law.
    fn check(ranks: u64, theta: f64) {
        const DRAWS: u64 = 400_000;
        const SEED: u64 = 42;
        const HEAD: u64 = 5;
        let zipf = Zipf::new(ranks, theta);
        let mut rng = Rng::for_stream(SEED, 0);
        let mut counts = vec![0u64; ranks as usize + 1];
        for _ in 0..DRAWS {
            counts[zipf.sample(&mut rng) as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        let norm: f64 = (1..=ranks).map(|k| (k as f64).powf(-theta)).sum();
        let assert_near = |what: &str, seen: u64, share: f64| {
            let expected = share * DRAWS as f64;
            // Five standard deviations of a binomial count.
            let slack = 5.0 * (expected * (1.0 - share)).sqrt() + 1.0;
            let off = (seen as f64 - expected).abs();
            assert!(off < slack, "n={ranks} theta={theta} {what}: {seen}, expected {expected:.0}");
        };
        for k in 1..=HEAD.min(ranks) {
            let share = (k as f64).powf(-theta) / norm;
            assert_near(&format!("rank {k}"), counts[k as usize], share);
        }
        let middle = ranks / 2 + 1;
        let tail: u64 = counts[middle as usize..].iter().sum();
        let share = (middle..=ranks).map(|k| (k as f64).powf(-theta)).sum::<f64>() / norm;
        assert_near("upper half", tail, share);
    }

    #[test]
    fn follows_the_law_below_at_and_above_theta_one() {
        for theta in [0.5, 0.99, 1.0, 1.5] {
            check(1000, theta);
        }
    }

    #[test]
    fn works_for_few_ranks() {
        for ranks in [1, 2, 3, 10] {
            check(ranks, 0.99);
        }
    }
}
