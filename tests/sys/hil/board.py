#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A board by hand: brings it into a state as the tests do, shows what came over its line meanwhile, and says how to talk to it. A rehearsed board is there
until Enter is pressed (or stdin ends).

    board.py ENV.yaml off|uboot|hypervisor [--card CARD.img]
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import labgrid  # noqa: E402
from hil.environment import Environment, variables_end, variables_set  # noqa: E402


def tell(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def bring(environment, args):
    strategy = environment.strategy()
    strategy.tap, strategy.bootargs = tell, args.host_args
    if args.card:
        strategy.medium_write(args.card)
    strategy.transition(args.state)
    print(f"\nboard.py: {args.state}")
    if args.state != "off":
        line = strategy.console.serial.port
        strategy.target.deactivate(strategy.console)
        print(f"board.py: /usr/bin/python3 -m serial.tools.miniterm {line} 115200      (Ctrl-T Q leaves it)")
    if environment.rehearse:
        print("board.py: Enter ends the rehearsal", flush=True)
        sys.stdin.readline()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", metavar="ENV.yaml")
    parser.add_argument("state", choices=("off", "uboot", "hypervisor"))
    parser.add_argument("--card", metavar="CARD.img", help="put into the slot before (tools/armature sdcard makes it)")
    parser.add_argument("--host-args", default="", metavar="WORDS", help="the hypervisor's options, where its files come by TFTP")
    args = parser.parse_args()
    made = variables_set()
    try:
        environment = Environment(args.environment, labgrid.Environment(args.environment))
        try:
            bring(environment, args)
        finally:
            environment.close()
    except Exception as error:
        sys.exit(f"board.py: {error}")
    finally:
        variables_end(made)


if __name__ == "__main__":
    main()
