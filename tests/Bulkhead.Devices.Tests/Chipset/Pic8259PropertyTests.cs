using Bulkhead.Devices.Chipset;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

/// <summary>The pair against a model that knows only lists of who waits and who is served.</summary>
public sealed class Pic8259PropertyTests
{
    private enum Kind
    {
        Pin,
        Mask,
        Take,
        Finish,
    }

    private static readonly Kind[] s_kinds = [Kind.Pin, Kind.Pin, Kind.Pin, Kind.Mask, Kind.Take, Kind.Take, Kind.Finish];

    [Fact]
    public void AnyHistory_BehavesAsTheModel()
    {
        Gen<(Kind, int, bool)> step = Gen.Select(
            Gen.Int[0, 6].Select(static i => s_kinds[i]),
            Gen.Int[0, 15],
            Gen.Bool);
        Gen.Select(Gen.Int[0, 0xFFFF], step.Array[0, 80]).Sample((levels, steps) => Run(levels, steps), iter: 3000, threads: 1);
    }

    private static void Run(int levels, (Kind Kind, int Pin, bool On)[] steps)
    {
        levels &= 0xDEF8;
        var output = new FakePins();
        var pic = new Pic8259Pair(output.Line(0));
        foreach (Core.Io.IIoDevice ports in new[] { pic.MasterPorts, pic.SlavePorts })
        {
            ports.Out8(0, 0x11);
            ports.Out8(1, ports == pic.MasterPorts ? (byte)0x20 : (byte)0x28);
            ports.Out8(1, ports == pic.MasterPorts ? (byte)4 : (byte)2);
            ports.Out8(1, 1);
        }

        pic.ElcrPorts.Out8(0, (byte)levels);
        pic.ElcrPorts.Out8(1, (byte)(levels >> 8));

        // Highest priority first; a served pin stops itself and all after it, a slave pin stops the slave.
        int[] order = [0, 1, 8, 9, 10, 11, 12, 13, 14, 15, 3, 4, 5, 6, 7];
        var high = new HashSet<int>();
        var edges = new HashSet<int>();
        var masked = new HashSet<int>();
        var served = new List<int>();

        int Expected()
        {
            bool slaveServed = served.Exists(static p => p >= 8);
            foreach (int pin in order)
            {
                if (served.Contains(pin) || (pin >= 8 && slaveServed))
                {
                    return -1;
                }

                bool level = (levels & (1 << pin)) != 0;
                if (!masked.Contains(pin) && (level ? high.Contains(pin) : edges.Contains(pin)))
                {
                    return pin;
                }
            }

            return -1;
        }

        foreach ((Kind kind, int pin, bool on) in steps)
        {
            switch (kind)
            {
                case Kind.Pin when pin != 2:
                    pic.SetPin(pin, on);
                    if (on && high.Add(pin) && (levels & (1 << pin)) == 0)
                    {
                        edges.Add(pin);
                    }
                    else if (!on)
                    {
                        high.Remove(pin);
                    }

                    break;
                case Kind.Mask when pin != 2:
                    _ = on ? masked.Add(pin) : masked.Remove(pin);
                    int mask = masked.Sum(static p => 1 << p);
                    pic.MasterPorts.Out8(1, (byte)mask);
                    pic.SlavePorts.Out8(1, (byte)(mask >> 8));
                    break;
                case Kind.Take:
                    int expected = Expected();
                    bool taken = pic.TryAcknowledge(out byte vector);
                    Assert.Equal(expected, taken ? vector - 0x20 : -1);
                    if (taken)
                    {
                        served.Add(expected);
                        edges.Remove(expected);
                    }

                    break;
                case Kind.Finish when served.Count > 0:
                    // The last one taken has the highest priority of those served.
                    int last = served[^1];
                    served.RemoveAt(served.Count - 1);
                    if (last >= 8)
                    {
                        pic.SlavePorts.Out8(0, 0x20);
                    }

                    pic.MasterPorts.Out8(0, 0x20);
                    break;
            }

            Assert.Equal(Expected() >= 0, output.Levels[0]);
        }
    }
}
