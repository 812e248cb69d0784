/** A join token, with the line to type on the host. */
import type { CreateJoinTokenResponse } from '../../../proto/gen/drover/v1/CreateJoinTokenResponse.js';
import type { View } from '../../../proto/output/view.js';
import { formatDuration } from '../../../proto/wire/units.js';
import { timestamp } from './cells.js';

/** `enrolAddress` empty: the context does not say where hosts enrol. */
export function tokenView(
  answer: CreateJoinTokenResponse,
  hostName: string,
  enrolAddress: string,
  nowMs: number,
): View {
  const left = formatDuration(Math.max(0, answer.expiresUnixMs - nowMs));
  return [
    {
      kind: 'pairs',
      pairs: [
        ['Token', answer.token],
        ['Id', answer.id],
        ['For', hostName === '' ? 'any host, once' : `${hostName}, once`],
        ['Expires', `in ${left} (${timestamp(answer.expiresUnixMs)})`],
        ...(enrolAddress === ''
          ? []
          : [
              [
                'On the host',
                `drover-agent run --join-address ${enrolAddress} --join-token-file FILE`,
              ] as const,
            ]),
      ],
    },
  ];
}
