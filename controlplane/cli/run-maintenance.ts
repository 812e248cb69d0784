/** Drain, maintenance and resume: the request, the wait for the guests, the answer. */
import type { MaintainHostResponse } from '../../proto/gen/drover/v1/MaintainHostResponse.js';
import { exitCodes, invalid } from '../../proto/wire/errors.js';
import type { Result } from './command.js';
import type { DrainCall, MaintenanceCall, ResumeCall } from './maintenance-options.js';
import { followGuests } from './follow-guests.js';
import { cureView, maintainedView, resumedView, stageView } from './views/maintenance.js';

interface Asked {
  readonly state: 'drain' | 'maintenance';
  readonly guests: string;
}

/** Errors: those of the control plane. */
export function drainHost(call: DrainCall): Promise<Result> {
  return ask(call, { state: 'drain', guests: 'leave' });
}

/** Errors: `invalid-argument` for --guests, those of the control plane; `deadline-exceeded` when the wait is over first. */
export async function maintainHost(call: MaintenanceCall): Promise<Result> {
  const { guests } = call.options;
  if (guests !== 'stop' && guests !== 'leave')
    throw invalid('--guests', guests ?? 'nothing', 'stop or leave');
  const result = await ask(call, { state: 'maintenance', guests });
  if (!call.options.wait || call.options.noop || guests === 'leave') return result;
  return withEnd(call, result, 'stop');
}

/** Errors: as of `maintainHost`; the wait ends with exit 1 where guests have not started. */
export async function resumeHost(call: ResumeCall): Promise<Result> {
  const [host = ''] = call.args;
  const { guests } = call.options;
  if (guests !== undefined && guests !== 'start' && guests !== 'leave')
    throw invalid('--guests', guests, 'start or leave');
  const request = { host, guests: guests ?? 'start' };
  const message = await (await call.api()).call('Fleet', 'ResumeHost', request);
  const result = { message, view: resumedView(message) };
  return call.options.wait && message.host?.maintenance ? withEnd(call, result, 'start') : result;
}

async function ask(
  { args: [host = ''], options, api }: DrainCall,
  { state, guests }: Asked,
): Promise<Result> {
  const { reason = '', force, noop } = options;
  const request = { host, state, reason, guests, force, validateOnly: noop };
  const message = await (await api()).call('Fleet', 'MaintainHost', request);
  return {
    message,
    view: maintainedView(message, state, guests, noop),
    exit: exitOf(message, noop, { state, guests }),
  };
}

function exitOf({ refusals, host }: MaintainHostResponse, noop: boolean, asked: Asked): number {
  if (!noop) return exitCodes.ok;
  if (refusals.length > 0) return exitCodes.failed;
  const now = host?.maintenance;
  const isThere = now?.state === asked.state && now.guests === asked.guests && now.stageState !== 'failed';
  return isThere ? exitCodes.ok : exitCodes.pending;
}

/** The answer with how the guests came out; exit 1 where not all are where they should be. */
async function withEnd(
  call: MaintenanceCall | ResumeCall,
  result: Result,
  kind: 'stop' | 'start',
): Promise<Result> {
  const { host } = result.message as MaintainHostResponse;
  const stageId = host?.maintenance?.stageId ?? '';
  const followed = { host: host?.id ?? '', stageId, kind };
  const end = await followGuests(await call.api(), followed, call.io);
  const view = [...result.view, ...stageView(end, kind, call.io.now())];
  if (end.isDone) return { ...result, view, exit: exitCodes.ok };
  return { ...result, view: [...view, ...cureView(kind, host?.name ?? '')], exit: exitCodes.failed };
}
