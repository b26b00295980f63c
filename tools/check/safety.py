#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""safety.py [--write] DOCUMENT HEADER...: the function-safety tables of DOCUMENT are what the headers' declarations say.

A table stands between the lines `<!-- safety: HEADER -->` and `<!-- end -->`, one for each header that declares functions.
A row is one function: phase and locks from its annotations (base/phase.h), its purpose the first sentence of the comment
above it; one that stands right below another without a comment between shares that one's. --write makes the tables anew; without, a difference is an
error that names header and function."""
import re
import sys

PHASES = {'STARTUP': 'startup', 'RUNNING': 'running', 'MAY_BLOCK': 'running'}
COMMENT = re.compile(r'/\*(.*?)\*/', re.S)
PROTOTYPE = re.compile(r'^(?!typedef|struct\s+\w+\s*\{|struct\s+CAPABILITY\b|enum\s+\w+\s*\{|static inline|extern|#)([A-Za-z_][^;{}=]*?\b(\w+)\((?:[^;{}])*\)[^;{}]*);', re.M | re.S)
INLINE = re.compile(r'^static inline ([^;{}=]*?\b(\w+)\([^;{}]*\)[^;{}]*)\{', re.M)


def blank(text):
    """The same text with comments, bodies and preprocessor lines as spaces: every position stays."""
    space = lambda m: re.sub(r'[^\n]', ' ', m[0])
    text = COMMENT.sub(space, text)
    text = re.sub(r'^#(?:[^\n]*\\\n)*[^\n]*$', space, text, flags=re.M)
    out, depth = [], 0
    for c in text:
        depth -= c == '}'
        out.append(c if depth == 0 or c == '\n' else ' ')
        depth += c == '{'
    return ''.join(out)


def sentence(comment):
    """What the function is for: the comment up to the end of its first sentence."""
    words = ' '.join(re.sub(r'^\s*\*+ ?', '', line).strip() for line in comment.split('\n')).strip()
    return re.split(r'(?<=[.;:?])\s', words, maxsplit=1)[0].rstrip('.;:').replace('|', '\\|')


def arguments(text, macro):
    return [a.strip() for m in re.findall(r'\b%s\(([^()]*(?:\([^()]*\))?[^()]*)\)' % macro, text) for a in m.split(',')]


def purpose_above(text, position):
    """The first sentence of the comment that ends right above; or None."""
    before = text[:position].rstrip(' ')
    if not before.endswith('*/\n'):
        return None
    before = before.rstrip()
    return sentence(before[before.rindex('/*') + 2:-2].strip())


def row_of(declaration, name, purpose):
    needs = arguments(declaration, 'REQUIRES') + arguments(declaration, 'REQUIRES_SHARED')
    needs += ['STARTUP'] * bool(re.search(r'\b__startup\b', declaration)) + ['RUNNING'] * bool(re.search(r'\b__running\b', declaration))
    phase = [PHASES[n] for n in needs if n in PHASES]
    locks = [f'`{n}`' for n in needs if n not in PHASES and n != 'MAY_BLOCK']
    taken = arguments(declaration, 'ACQUIRE') + arguments(declaration, 'TRY_ACQUIRE')[1:]
    changes = [f'takes `{a}`' for a in taken] + [f'releases `{a}`' for a in arguments(declaration, 'RELEASE')]
    blocks = 'yes' if 'MAY_BLOCK' in needs else 'no'
    return f'| `{name}` | {phase[0] if phase else "any"} | {", ".join(locks + changes) or "none"} | {blocks} | {purpose} |'


def rows_of(path):
    """Function -> row, in the header's order; and the functions that no comment explains."""
    text = open(path, encoding='utf-8').read()
    bare = blank(text)
    found = sorted([(m.start(), m[1], m[2]) for pattern in (PROTOTYPE, INLINE) for m in pattern.finditer(bare)])
    rows, silent, last, end = {}, [], None, 0
    for at, declaration, name in found:
        follows = not bare[end:at].strip('\n {};') and '\n\n' not in text[end:at]
        last = purpose_above(text, at) or (last if follows else None)
        end = at + len(declaration)
        if not last:
            silent.append(name)
        rows[name] = row_of(declaration, name, last or '')
    return rows, silent


def table_pattern(header):
    return re.compile(r'(<!-- safety: %s -->\n)(.*?)(<!-- end -->)' % re.escape(header), re.S)


HEAD = '| function | phase | locks held | may block | purpose |\n|---|---|---|---|---|\n'


def differences(header, rows, table):
    old = {m[1]: m[0] for m in re.finditer(r'^\| `(\w+)` \|.*$', table, re.M)}
    for name, row in rows.items():
        if name not in old:
            yield f'{header}: {name} is declared, but the table does not have it'
        elif old[name] != row:
            yield f'{header}: {name} is declared as\n    {row}\n  and the table says\n    {old[name]}'
    for name in sorted(old.keys() - rows.keys()):
        yield f'{header}: {name} is in the table, but not declared'
    if old == rows and HEAD + ''.join(r + '\n' for r in rows.values()) != table:
        yield f'{header}: the table is in another order or form than the declarations'


def main():
    write = sys.argv[1] == '--write'
    document, *headers = sys.argv[1 + write:]
    text = open(document, encoding='utf-8').read()
    errors, count = [], 0
    for header in headers:
        rows, silent = rows_of(header)
        errors += [f'{header}: {name} has no comment that says what it is for' for name in silent]
        count += len(rows)
        table = table_pattern(header).search(text)
        if not table:
            errors += [f'{header}: {document} has no table for it (<!-- safety: {header} --> ... <!-- end -->)'] * bool(rows)
        elif write:
            text = text[:table.start(2)] + HEAD + ''.join(r + '\n' for r in rows.values()) + text[table.end(2):]
        else:
            errors += differences(header, rows, table[2])
    errors += [f'{document}: a table for {h}, which is no header of the API'
               for h in re.findall(r'<!-- safety: (\S+) -->', text) if h not in headers]
    if write:
        open(document, 'w', encoding='utf-8').write(text)
    print('\n'.join(errors), end='\n' if errors else '')
    print(f'{count} functions in {len(headers)} headers, {len(errors)} not as {document} says' + (': make api-tables' if errors and not write else ''))
    return bool(errors)


sys.exit(main())
