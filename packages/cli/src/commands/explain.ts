import { parseColor, type RouteDecision, route } from '@colorway/core';
import { CommandFailure, EXIT } from '../exit-status.js';
import type { Session } from '../session.js';

/** What a call would do now, and why. Fails with {@link EXIT.notReady} where it would be refused, or is for no service. */
export async function explainCall(
  { coloring, output }: Session,
  service: string,
  colorText: string | undefined,
): Promise<void> {
  const color = colorText === undefined ? undefined : parseColor(colorText);
  const view = await coloring.answeredView();
  const decision = route(color, service, view);
  const instances = 'instances' in decision ? decision.instances : [];
  output.answer(
    {
      service,
      color: color ?? null,
      kind: decision.kind,
      reason: decision.reason,
      instances: instances.map(({ id, host, port, color: of }) => ({ id, host, port, color: of ?? null })),
    },
    ({ instances }) => {
      const caller = color === undefined ? 'A call without a color' : `A call of color ${color}`;
      const list = instances.map(({ id, host, port }) => `\n  ${host}:${port}  ${id}`).join('');
      return `${caller} to ${service}: ${WHY[decision.reason](color, service)}${list}`;
    },
  );
  if (decision.kind === 'unavailable' || decision.kind === 'unknown') {
    throw new CommandFailure(
      EXIT.notReady,
      decision.reason,
      decision.reason === 'service-unknown'
        ? `the directory does not know ${service} (${decision.reason}).`
        : `the call would be refused (${decision.reason}).`,
    );
  }
}

const WHY: Record<RouteDecision['reason'], (color: string | undefined, service: string) => string> = {
  colored: (color) => `one of the instances of color ${color} (reason: colored).`,
  'no-color': () => 'one of the baseline (reason: no-color).',
  'not-member': (color, service) =>
    `one of the baseline, because environment ${color} does not contain ${service} (reason: not-member).`,
  'member-down': (color, service) =>
    `refused with COLORWAY_MEMBER_DOWN: environment ${color} contains ${service}, and no instance of it is alive. Start one with COLORING_ENV=${color}, or withdraw ${service} from the environment (reason: member-down).`,
  'baseline-down': (_, service) =>
    `refused with COLORWAY_BASELINE_DOWN: no baseline instance of ${service} is alive (reason: baseline-down).`,
  'not-secure': (_, service) =>
    `refused with COLORWAY_INSTANCE_NOT_SECURE: the URL says https:, and no instance of ${service} that it may go to speaks TLS (reason: not-secure).`,
  'directory-unanswered': () => 'refused: the directory has not answered (reason: directory-unanswered).',
  'service-unknown': (_, service) =>
    `nobody has registered ${service}: it goes on to whatever host has that name (DNS), without a color. Clients that list ${service} in their option "services" refuse it with COLORWAY_SERVICE_UNKNOWN. Check the spelling (reason: service-unknown).`,
};
