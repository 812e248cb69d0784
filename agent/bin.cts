#!/usr/bin/env node
/**
 * Entry of drover-agent. CommonJS, because libuv reads UV_THREADPOOL_SIZE when its pool first starts and loading an ES
 * module already starts it: four threads would leave none for files while libvirt calls hang (agent/libvirt).
 */
process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP
process.env['UV_THREADPOOL_SIZE'] ??= '16';
void import('./main.js').then(({ main }) => main(process.argv.slice(2), process.env));
