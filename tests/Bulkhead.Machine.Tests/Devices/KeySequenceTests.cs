using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Devices.Keyboard;
using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Devices;

public sealed class KeySequenceTests : IInterruptPins
{
    private readonly I8042 _keyboard;

    public KeySequenceTests() => _keyboard = new I8042(new InterruptLine(this, 1), static () => { });

    [Fact]
    public void TryType_EachTime_TypesOneKeyWithThoseHeldBesideIt()
    {
        var keys = KeySequence.OfText("aB\n");
        Assert.True(keys.TryType(_keyboard));
        Assert.Equal([0x1E, 0x9E], ReadAll());
        Assert.True(keys.TryType(_keyboard));
        Assert.Equal([0x2A, 0x30, 0xB0, 0xAA], ReadAll());
        Assert.False(keys.IsDone);
        Assert.True(keys.TryType(_keyboard));
        Assert.Equal([0x1C, 0x9C], ReadAll());
        Assert.True(keys.IsDone);
        Assert.False(keys.TryType(_keyboard));
    }

    [Fact]
    public void TryType_WhileNobodyReads_GoesOnWhereItStopped()
    {
        string text = new('x', 20);
        var keys = KeySequence.OfText(text);
        while (keys.TryType(_keyboard))
        {
        }

        var codes = new List<byte>(ReadAll());
        while (!keys.IsDone)
        {
            Assert.True(keys.TryType(_keyboard));
            codes.AddRange(ReadAll());
        }

        Assert.Equal(Enumerable.Repeat((byte[])[0x2D, 0xAD], text.Length).SelectMany(static c => c), codes);
    }

    [Theory]
    [InlineData("ctl-c", "ctl-c: there is no such key (did you mean ctrl?)")]
    [InlineData("enter Enter", "Enter: there is no such key (did you mean enter?)")]
    public void OfKeys_OfWhatIsNone_NamesTheNearest(string keys, string words) =>
        Assert.Contains(words, Assert.Throws<OperatorException>(() => KeySequence.OfKeys(keys)).Message, StringComparison.Ordinal);

    void IInterruptPins.SetPin(int pin, bool high)
    {
        // Nobody listens.
    }

    private byte[] ReadAll()
    {
        var codes = new List<byte>();
        while ((Read(_keyboard.CommandPort) & 1) != 0)
        {
            codes.Add(Read(_keyboard.DataPort));
        }

        return [.. codes];
    }

    private static byte Read(IIoDevice port)
    {
        Span<byte> data = stackalloc byte[1];
        _ = port.Read(0, data);
        return data[0];
    }
}
