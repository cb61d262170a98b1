//! Tests of the geo commands: errors and shapes of replies (`commands`), and random positions and
//! searches against redis-server, near the poles, the date line and with radii of any size
//! (`oracle`).

mod commands;
mod oracle;
