import { defaultReporter } from './background/reporter.js';

/**
 * A process warning, once for each code and subject. Codes are stable, and say what happened; the subject says to
 * whom. It is for places that know no coloring; those that do use its reporter.
 */
export function warnOnce(code: string, message: string, subject = ''): void {
  defaultReporter().once(code, message, subject);
}
