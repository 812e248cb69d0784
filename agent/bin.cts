#!/usr/bin/env -S node --max-semi-space-size=1
/**
 * Entry of drover-agent. CommonJS, because libuv reads UV_THREADPOOL_SIZE when its pool first starts and loading an ES
 * module already starts it: four threads would leave none for files while libvirt calls hang (agent/libvirt).
 *
 * The flag in the first line keeps V8's young generation small: an agent lives for months and allocates little at a time.
 * Measured with libvirt connected and no domain: 92 MB resident instead of 111 MB.
 */
process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP
process.env['UV_THREADPOOL_SIZE'] ??= '16';
void import('./main.js').then(({ main }) => main(process.argv.slice(2), process.env));
