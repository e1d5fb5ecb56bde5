using Bulkhead.Core.State;
using Bulkhead.Devices.Keyboard;
using Bulkhead.Devices.Tests.Chipset;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Keyboard;

/// <summary>IBM Personal System/2 Hardware Interface Technical Reference: the keyboard controller and the keyboard behind it.</summary>
public sealed class I8042Tests
{
    private const ushort A = 0x1E;
    private const ushort F7 = 0x41;
    private const ushort Right = 0xE04D;

    private readonly FakePins _pins = new();
    private readonly I8042 _controller;
    private int _resets;

    public I8042Tests() => _controller = New();

    [Theory]
    [InlineData(A, new byte[] { 0x1E, 0x9E })]
    [InlineData(F7, new byte[] { 0x41, 0xC1 })]
    [InlineData(Right, new byte[] { 0xE0, 0x4D, 0xE0, 0xCD })]
    public void Press_AsAtPowerUp_GivesCodesOfSet1(ushort key, byte[] codes)
    {
        Assert.True(_controller.TryPress(new KeyStroke(key, Release: false)));
        Assert.True(_controller.TryPress(new KeyStroke(key, Release: true)));
        Assert.Equal(codes, ReadAll());
    }

    [Fact]
    public void Press_WithoutTranslation_GivesCodesOfSet2()
    {
        WriteMode(0);
        _controller.TryPress(new KeyStroke(Right, Release: false));
        _controller.TryPress(new KeyStroke(F7, Release: true));
        Assert.Equal([0xE0, 0x74, 0xF0, 0x83], ReadAll());
    }

    [Fact]
    public void Press_KeyboardInSet1WithoutTranslation_GivesCodesOfSet1()
    {
        WriteMode(0);
        Assert.Equal([0xFA, 0xFA], Send(0xF0, 1));
        Assert.Equal([0xFA, 0xFA, 1], Send(0xF0, 0));
        Assert.Equal([0xFA, 0xFE], Send(0xF0, 3));
        _controller.TryPress(new KeyStroke(A, Release: true));
        Assert.Equal([0x9E], ReadAll());
    }

    [Fact]
    public void Interrupt_IsAnEdgeForEachByte_WhereTheModeAllowsIt()
    {
        _controller.TryPress(new KeyStroke(A, Release: false));
        _controller.TryPress(new KeyStroke(A, Release: true));
        Assert.Equal((1, true), (_pins.Edges[1], _pins.Levels[1]));
        Assert.Equal(0x1E, _controller.DataPort.In8(0));
        Assert.Equal((2, true), (_pins.Edges[1], _pins.Levels[1]));
        Assert.Equal(0x9E, _controller.DataPort.In8(0));
        Assert.Equal((2, false), (_pins.Edges[1], _pins.Levels[1]));
        WriteMode(0x40);
        _controller.TryPress(new KeyStroke(A, Release: false));
        Assert.Equal(2, _pins.Edges[1]);
        Assert.Equal(1, _controller.CommandPort.In8(0) & 1);
    }

    [Fact]
    public void Press_WhileNobodyReads_IsTakenAsFarAsThereIsRoom_AndNothingIsTorn()
    {
        int taken = 0;
        while (_controller.TryPress(new KeyStroke(Right, (taken & 1) != 0)))
        {
            taken++;
        }

        Assert.InRange(taken, 4, 16);
        byte[] codes = ReadAll();
        Assert.Equal(2 * taken, codes.Length);
        Assert.All(codes.Chunk(2).Index(), static c => Assert.Equal((byte[])[0xE0, (byte)(c.Index % 2 == 0 ? 0x4D : 0xCD)], c.Item));
        Assert.True(_controller.TryPress(new KeyStroke(A, Release: false)));
    }

    [Theory]
    [InlineData(new byte[] { 0xFF }, new byte[] { 0xFA, 0xAA })]
    [InlineData(new byte[] { 0xF2 }, new byte[] { 0xFA, 0xAB, 0x41 })] // translated as all that comes
    [InlineData(new byte[] { 0xED, 7 }, new byte[] { 0xFA, 0xFA })]
    [InlineData(new byte[] { 0xF3, 0 }, new byte[] { 0xFA, 0xFA })]
    [InlineData(new byte[] { 0xEE }, new byte[] { 0xEE })]
    [InlineData(new byte[] { 0xF4 }, new byte[] { 0xFA })]
    [InlineData(new byte[] { 0x12 }, new byte[] { 0xFE })]
    [InlineData(new byte[] { 0xED, 0xF4 }, new byte[] { 0xFA, 0xFA })] // a command in place of the indicators
    public void Keyboard_Command_IsAnswered(byte[] command, byte[] answer) => Assert.Equal(answer, Send(command));

    [Fact]
    public void Keyboard_Disabled_DropsWhatIsPressed_UntilItIsEnabled()
    {
        _ = Send(0xF5);
        Assert.True(_controller.TryPress(new KeyStroke(A, Release: false)));
        Assert.Empty(ReadAll());
        _ = Send(0xF4);
        _controller.TryPress(new KeyStroke(A, Release: false));
        Assert.Equal([0x1E], ReadAll());
    }

    [Theory]
    [InlineData(0xAA, 0x55)]
    [InlineData(0xAB, 0x00)]
    [InlineData(0xA9, 0x01)] // there is no mouse
    [InlineData(0x20, 0x45)]
    public void Controller_Question_IsAnswered(byte command, byte answer)
    {
        _controller.CommandPort.Out8(0, command);
        Assert.Equal([answer], ReadAll());
    }

    [Fact]
    public void Controller_PortOff_HoldsTheKeyboardsBytesBack()
    {
        _controller.CommandPort.Out8(0, 0xAD);
        _controller.TryPress(new KeyStroke(A, Release: false));
        Assert.Empty(ReadAll());
        _controller.CommandPort.Out8(0, 0xAE);
        Assert.Equal([0x1E], ReadAll());
    }

    [Fact]
    public void Controller_Pulse_Resets_AndOthersDoNot()
    {
        _controller.CommandPort.Out8(0, 0xFF);
        _controller.FastPort.Out8(0, 2);
        Assert.Equal(0, _resets);
        _controller.CommandPort.Out8(0, 0xFE);
        _controller.FastPort.Out8(0, 3);
        _controller.CommandPort.Out8(0, 0xD1);
        _controller.DataPort.Out8(0, 2);
        Assert.Equal(3, _resets);
    }

    [Fact]
    public void State_MidwayThroughEverything_GoesOnInAnotherController()
    {
        _ = Send(0xF0, 2);
        _controller.TryPress(new KeyStroke(Right, Release: true));
        Assert.Equal(0xE0, _controller.DataPort.In8(0));
        _controller.CommandPort.Out8(0, 0x60);
        var writer = new StateWriter();
        _controller.Save(writer);

        var other = New();
        var reader = new StateReader(writer.Bytes.ToArray());
        other.Restore(reader);
        Assert.Null(reader.Error);
        Assert.True(_pins.Levels[1]);
        other.DataPort.Out8(0, 0x41); // what the mode command waits for
        Assert.Equal(0xCD, other.DataPort.In8(0));
        other.CommandPort.Out8(0, 0x20);
        Assert.Equal(0x41, other.DataPort.In8(0));
    }

    [Fact]
    public void State_OfAnything_IsTakenOrRefused() =>
        Gen.Byte.Array[1, 60].Sample(
            bytes =>
            {
                var writer = new StateWriter();
                _controller.Save(writer);
                byte[] state = writer.Bytes.ToArray();
                for (int i = 0; i < bytes.Length && i + 12 < state.Length; i++)
                {
                    state[i + 12] = bytes[i];
                }

                var other = New();
                other.Restore(new StateReader(state));
                for (int i = 0; i < 20; i++)
                {
                    _ = other.DataPort.In8(0);
                    other.TryPress(new KeyStroke(A, Release: false));
                }
            },
            threads: 1);

    private I8042 New() => new(_pins.Line(1), () => _resets++);

    private void WriteMode(byte mode)
    {
        _controller.CommandPort.Out8(0, 0x60);
        _controller.DataPort.Out8(0, mode);
    }

    private byte[] Send(params byte[] command)
    {
        var answers = new List<byte>();
        foreach (byte b in command)
        {
            _controller.DataPort.Out8(0, b);
            answers.AddRange(ReadAll());
        }

        return [.. answers];
    }

    private byte[] ReadAll()
    {
        var bytes = new List<byte>();
        while ((_controller.CommandPort.In8(0) & 1) != 0)
        {
            bytes.Add(_controller.DataPort.In8(0));
        }

        return [.. bytes];
    }
}
