#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py SYMBOL INPUT OUTPUT: a file's bytes as a C array, SYMBOL and SYMBOL_len."""
import sys


def main():
    symbol, source, target = sys.argv[1:]
    with open(source, "rb") as f:
        data = f.read()
    with open(target, "w") as out:
        out.write("#include <stddef.h>\nextern const unsigned char %s[];\nextern const size_t %s_len;\n" % (symbol, symbol))
        out.write("const unsigned char %s[] = {\n" % symbol)
        for i in range(0, len(data), 20):
            out.write(",".join(map(str, data[i:i + 20])) + ",\n")
        out.write("};\nconst size_t %s_len = sizeof(%s);\n" % (symbol, symbol))


main()
